//! The operations of Blob Storage, each once: what the router knows, and what it refuses by name.

use crate::wire::sas::{Level, Permission};

/// What we support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    GetAccountInformation,
    GetServiceProperties,
    SetServiceProperties,
    ListContainers,
    CreateContainer,
    GetContainerProperties,
    GetContainerMetadata,
    SetContainerMetadata,
    DeleteContainer,
    GetContainerAcl,
    SetContainerAcl,
    LeaseContainer,
    ListBlobs,
    SubmitBatch,
    PutBlob,
    PutBlobFromUrl,
    CopyBlob,
    AbortCopyBlob,
    GetBlob,
    GetBlobProperties,
    GetBlobMetadata,
    SetBlobMetadata,
    SetBlobProperties,
    DeleteBlob,
    LeaseBlob,
    PutBlock,
    PutBlockList,
    GetBlockList,
}

/// What there is to know about an operation without its headers and bodies.
#[derive(Debug)]
pub struct Spec {
    pub operation: Operation,
    pub method: &'static str,
    pub level: Level,
    /// The value of `restype`, or nothing.
    pub restype: &'static str,
    /// The value of `comp`, or nothing.
    pub comp: &'static str,
    pub success: u16,
    /// Any one of these in a shared access signature is enough. None: it takes the key.
    pub permissions: &'static [Permission],
    /// Whether a service SAS can give the right at all.
    pub service_sas: bool,
    /// Query parameters besides `restype`, `comp`, `timeout` and those of a signature.
    pub parameters: &'static [&'static str],
    /// Headers that tell it from other operations of the same method and `comp`.
    pub when: &'static [&'static str],
}

/// The `restype` of an operation: of its own, or that of most operations at its level. Containers are listed
/// without one.
const fn restype(level: Level, own: &[&'static str]) -> &'static str {
    match (own, level) {
        ([own, ..], _) => own,
        ([], Level::Container) => "container",
        ([], Level::Service | Level::Object) => "",
    }
}

macro_rules! table {
    ($($operation:ident $method:literal $level:ident $comp:literal $success:literal [$($permission:ident)*] $sas:literal [$($parameter:literal)*] $(when [$($header:literal)+])? $(restype $restype:literal)?;)+) => {
        /// Everything we support.
        pub const TABLE: &[Spec] = &[$(Spec {
            operation: Operation::$operation,
            method: $method,
            level: Level::$level,
            restype: restype(Level::$level, &[$($restype)?]),
            comp: $comp,
            success: $success,
            permissions: &[$(Permission::$permission),*],
            service_sas: $sas,
            parameters: &[$($parameter),*],
            when: &[$($($header),+)?],
        },)+];
    };
}

table! {
    GetAccountInformation  "GET"    Service   "properties" 200 [Read]        false [] restype "account";
    GetAccountInformation  "HEAD"   Service   "properties" 200 [Read]        false [] restype "account";
    GetAccountInformation  "GET"    Container "properties" 200 [Read]        true  [] restype "account";
    GetAccountInformation  "HEAD"   Container "properties" 200 [Read]        true  [] restype "account";
    GetAccountInformation  "GET"    Object    "properties" 200 [Read]        true  [] restype "account";
    GetAccountInformation  "HEAD"   Object    "properties" 200 [Read]        true  [] restype "account";
    GetServiceProperties   "GET"    Service   "properties" 200 [Read]        false [] restype "service";
    SetServiceProperties   "PUT"    Service   "properties" 202 [Write]       false [] restype "service";
    ListContainers         "GET"    Service   "list"      200 [List]         false ["prefix" "marker" "maxresults" "include"];
    CreateContainer        "PUT"    Container ""          201 [Create Write] false [];
    GetContainerProperties "GET"    Container ""          200 [Read]         false [];
    GetContainerProperties "HEAD"   Container ""          200 [Read]         false [];
    GetContainerMetadata   "GET"    Container "metadata"  200 [Read]         false [];
    GetContainerMetadata   "HEAD"   Container "metadata"  200 [Read]         false [];
    SetContainerMetadata   "PUT"    Container "metadata"  200 [Write]        false [];
    DeleteContainer        "DELETE" Container ""          202 [Delete]       false [];
    LeaseContainer         "PUT"    Container "lease"     200 [Write Delete] false [];
    GetContainerAcl        "GET"    Container "acl"       200 []             false [];
    GetContainerAcl        "HEAD"   Container "acl"       200 []             false [];
    SetContainerAcl        "PUT"    Container "acl"       200 []             false [];
    ListBlobs              "GET"    Container "list"      200 [List]         true  ["prefix" "delimiter" "marker" "maxresults" "include"];
    SubmitBatch            "POST"   Service   "batch"     202 [Delete Write] false [];
    SubmitBatch            "POST"   Container "batch"     202 [Delete Write] true  [];
    PutBlob                "PUT"    Object    ""          201 [Create Write] true  [];
    PutBlobFromUrl         "PUT"    Object    ""          201 [Create Write] true  [] when ["x-ms-copy-source" "x-ms-blob-type"];
    CopyBlob               "PUT"    Object    ""          202 [Create Write] true  [] when ["x-ms-copy-source"];
    AbortCopyBlob          "PUT"    Object    "copy"      204 [Write]        true  ["copyid"];
    GetBlob                "GET"    Object    ""          200 [Read]         true  [];
    GetBlobProperties      "HEAD"   Object    ""          200 [Read]         true  [];
    GetBlobMetadata        "GET"    Object    "metadata"  200 [Read]         true  [];
    GetBlobMetadata        "HEAD"   Object    "metadata"  200 [Read]         true  [];
    SetBlobMetadata        "PUT"    Object    "metadata"  200 [Write]        true  [];
    SetBlobProperties      "PUT"    Object    "properties" 200 [Write]       true  [];
    DeleteBlob             "DELETE" Object    ""          202 [Delete]       true  [];
    LeaseBlob              "PUT"    Object    "lease"     200 [Write Delete] true  [];
    PutBlock               "PUT"    Object    "block"     201 [Write]        true  ["blockid"];
    PutBlockList           "PUT"    Object    "blocklist" 201 [Write]        true  [];
    GetBlockList           "GET"    Object    "blocklist" 200 [Read]         true  ["blocklisttype"];
}

/// `comp` values of the real service that we do not support, with the feature they belong to.
pub const UNSUPPORTED: &[(Level, &str, &str)] = &[
    (Level::Service, "stats", "service statistics"),
    (Level::Service, "userdelegationkey", "user delegation keys"),
    (Level::Service, "blobs", "finding blobs by tags"),
    (Level::Container, "undelete", "restoring deleted containers"),
    (Level::Container, "blobs", "finding blobs by tags"),
    (Level::Container, "rename", "renaming containers"),
    (Level::Object, "snapshot", "snapshots"),
    (Level::Object, "tags", "blob tags"),
    (Level::Object, "tier", "access tiers"),
    (Level::Object, "page", "page blobs"),
    (Level::Object, "pagelist", "page blobs"),
    (Level::Object, "incrementalcopy", "page blobs"),
    (Level::Object, "appendblock", "append blobs"),
    (Level::Object, "seal", "append blobs"),
    (Level::Object, "undelete", "restoring deleted blobs"),
    (Level::Object, "expiry", "blob expiry"),
    (Level::Object, "query", "querying blob contents"),
    (
        Level::Object,
        "immutabilityPolicies",
        "immutability policies",
    ),
    (Level::Object, "legalhold", "legal holds"),
];

/// What a request asks for.
#[derive(Debug)]
pub enum Route {
    Supported(&'static Spec),
    /// The real service does this.
    Unsupported(&'static str),
    /// The operation exists for other methods.
    WrongMethod,
    /// Not an operation of Blob Storage.
    Unknown,
}

/// Finds the operation for a method, the level of the path, the query's `restype` and `comp`, and the headers
/// that are there.
pub fn route(
    method: &str,
    level: Level,
    restype: &str,
    comp: &str,
    has_header: impl Fn(&str) -> bool,
) -> Route {
    let mut candidates = TABLE
        .iter()
        .filter(|spec| spec.level == level && spec.restype == restype && spec.comp == comp)
        .peekable();
    let exists = candidates.peek().is_some();
    let found = candidates
        .filter(|spec| spec.method == method && spec.when.iter().all(|name| has_header(name)))
        .max_by_key(|spec| spec.when.len());
    if let Some(spec) = found {
        return Route::Supported(spec);
    }
    let is_usual = restype == self::restype(level, &[]);
    let known = UNSUPPORTED.iter().find(|(at, name, _)| {
        (*at, *name) == (level, comp)
            && (is_usual || (level, restype) == (Level::Service, "service"))
    });
    match known {
        Some((_, _, feature)) => Route::Unsupported(feature),
        None if exists => Route::WrongMethod,
        None => Route::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(method: &str, level: Level, restype: &str, comp: &str) -> String {
        match route(method, level, restype, comp, |_| false) {
            Route::Supported(spec) => format!("{:?} {}", spec.operation, spec.success),
            Route::Unsupported(feature) => format!("unsupported: {feature}"),
            Route::WrongMethod => "wrong method".to_owned(),
            Route::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn routes() {
        use Level::{Container, Object, Service};
        for (method, level, restype, comp, expected) in [
            ("GET", Service, "", "list", "ListContainers 200"),
            (
                "GET",
                Service,
                "account",
                "properties",
                "GetAccountInformation 200",
            ),
            (
                "GET",
                Service,
                "service",
                "properties",
                "GetServiceProperties 200",
            ),
            (
                "GET",
                Service,
                "service",
                "stats",
                "unsupported: service statistics",
            ),
            ("GET", Object, "account", "", "unknown"),
            ("GET", Service, "", "", "unknown"),
            ("PUT", Container, "container", "", "CreateContainer 201"),
            ("PUT", Container, "", "", "unknown"),
            (
                "HEAD",
                Container,
                "container",
                "",
                "GetContainerProperties 200",
            ),
            ("POST", Container, "container", "", "wrong method"),
            ("PUT", Container, "container", "acl", "SetContainerAcl 200"),
            ("DELETE", Container, "container", "", "DeleteContainer 202"),
            ("PUT", Object, "", "", "PutBlob 201"),
            ("PUT", Object, "", "block", "PutBlock 201"),
            ("PUT", Object, "", "snapshot", "unsupported: snapshots"),
            ("DELETE", Object, "", "blocklist", "wrong method"),
            ("GET", Object, "", "nonsense", "unknown"),
        ] {
            let found = shown(method, level, restype, comp);
            assert_eq!(found, expected, "{method} {level:?} {restype} {comp}");
        }
    }

    #[test]
    fn each_route_is_unique() {
        for (i, a) in TABLE.iter().enumerate() {
            for b in &TABLE[i + 1..] {
                assert!(
                    (a.method, a.level, a.restype, a.comp, a.when)
                        != (b.method, b.level, b.restype, b.comp, b.when),
                    "{a:?} {b:?}"
                );
            }
        }
    }
}
