//! The listings of containers and blobs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::lease::Shown;
use super::xml::{Element, allowed};
use crate::wire::time::Time;

/// How many entries a page has at most, and if nothing else is asked for.
pub const MAX_RESULTS: usize = 5000;

/// What the answer repeats of the request.
#[derive(Debug, Clone, Default)]
pub struct Echo<'a> {
    /// The URL of the service, with the account and a final slash.
    pub service_endpoint: &'a str,
    pub prefix: &'a str,
    pub delimiter: &'a str,
    pub marker: &'a str,
    pub max_results: Option<usize>,
}

/// A container in a listing.
#[derive(Debug, Clone)]
pub struct ContainerEntry<'a> {
    pub name: &'a str,
    pub etag: &'a str,
    pub last_modified: Time,
    pub lease: Shown,
    /// None when it was not asked for.
    pub metadata: Option<Vec<(&'a str, &'a str)>>,
}

/// A blob in a listing.
#[derive(Debug, Clone)]
pub struct BlobEntry<'a> {
    pub name: &'a str,
    pub etag: &'a str,
    pub created: Time,
    pub last_modified: Time,
    pub length: u64,
    pub content_type: &'a str,
    pub content_encoding: Option<&'a str>,
    pub content_language: Option<&'a str>,
    pub content_disposition: Option<&'a str>,
    pub cache_control: Option<&'a str>,
    pub content_md5: Option<&'a str>,
    pub lease: Shown,
    /// None when it was not asked for, and of what is no copy.
    pub copy: Option<CopyEntry<'a>>,
    /// None when it was not asked for.
    pub metadata: Option<Vec<(&'a str, &'a str)>>,
}

/// Where a blob was copied from.
#[derive(Debug, Clone)]
pub struct CopyEntry<'a> {
    pub id: &'a str,
    pub source: &'a str,
    pub completed: Time,
}

/// One line of a blob listing.
#[derive(Debug, Clone)]
pub enum Line<'a> {
    Blob(Box<BlobEntry<'a>>),
    /// All names that start so.
    Prefix(&'a str),
}

/// The body of List Containers. `next` is the first name of the next page.
pub fn containers(echo: &Echo<'_>, entries: &[ContainerEntry<'_>], next: Option<&str>) -> String {
    let list = entries.iter().map(|entry| {
        let properties = Element::new("Properties")
            .text("Last-Modified", &entry.last_modified.to_rfc1123())
            .text("Etag", entry.etag)
            .text("LeaseStatus", entry.lease.state.status())
            .text("LeaseState", entry.lease.state.as_str())
            .optional("LeaseDuration", entry.lease.duration)
            .text("DefaultEncryptionScope", "$account-encryption-key")
            .text("DenyEncryptionScopeOverride", "false")
            .text("HasImmutabilityPolicy", "false")
            .text("HasLegalHold", "false");
        Element::new("Container")
            .text("Name", entry.name)
            .child(properties)
            .children(entry.metadata.as_deref().map(metadata))
    });
    results(echo)
        .child(Element::new("Containers").children(list))
        .child(next_marker(next))
        .document()
}

/// The body of List Blobs. `next` is the first name of the next page.
pub fn blobs(container: &str, echo: &Echo<'_>, lines: &[Line<'_>], next: Option<&str>) -> String {
    let list = lines.iter().map(|line| match line {
        Line::Prefix(prefix) => Element::new("BlobPrefix").child(name(prefix)),
        Line::Blob(entry) => blob(entry),
    });
    results(echo)
        .attribute("ContainerName", container)
        .child(Element::new("Blobs").children(list))
        .child(next_marker(next))
        .document()
}

fn results(echo: &Echo<'_>) -> Element {
    let given = |text: &'_ str| !text.is_empty();
    Element::new("EnumerationResults")
        .attribute("ServiceEndpoint", echo.service_endpoint)
        .optional("Prefix", Some(echo.prefix).filter(|t| given(t)))
        .optional("Marker", Some(echo.marker).filter(|t| given(t)))
        .optional(
            "MaxResults",
            echo.max_results.map(|n| n.to_string()).as_deref(),
        )
        .optional("Delimiter", Some(echo.delimiter).filter(|t| given(t)))
}

fn next_marker(next: Option<&str>) -> Element {
    let marker = next.map(to_marker).unwrap_or_default();
    Element::new("NextMarker").content(&marker)
}

fn blob(entry: &BlobEntry<'_>) -> Element {
    let properties = Element::new("Properties")
        .text("Creation-Time", &entry.created.to_rfc1123())
        .text("Last-Modified", &entry.last_modified.to_rfc1123())
        // Without quotes, other than everywhere else.
        .text("Etag", entry.etag.trim_matches('"'))
        .text("Content-Length", &entry.length.to_string())
        .text("Content-Type", entry.content_type)
        .text(
            "Content-Encoding",
            entry.content_encoding.unwrap_or_default(),
        )
        .text(
            "Content-Language",
            entry.content_language.unwrap_or_default(),
        )
        .optional("Content-MD5", entry.content_md5)
        .text("Cache-Control", entry.cache_control.unwrap_or_default())
        .text(
            "Content-Disposition",
            entry.content_disposition.unwrap_or_default(),
        )
        .text("BlobType", "BlockBlob")
        .text("AccessTier", "Hot")
        .text("AccessTierInferred", "true")
        .text("LeaseStatus", entry.lease.state.status())
        .text("LeaseState", entry.lease.state.as_str())
        .optional("LeaseDuration", entry.lease.duration);
    let properties = match &entry.copy {
        None => properties,
        Some(copy) => properties
            .text("CopyId", copy.id)
            .text("CopyStatus", "success")
            .text("CopySource", copy.source)
            .text("CopyProgress", &format!("{0}/{0}", entry.length))
            .text("CopyCompletionTime", &copy.completed.to_rfc1123()),
    };
    let properties = properties.text("ServerEncrypted", "true");
    Element::new("Blob")
        .child(name(entry.name))
        .child(properties)
        .children(entry.metadata.as_deref().map(metadata))
        .child(Element::new("OrMetadata"))
}

/// Names that XML cannot hold are percent-encoded and say so.
fn name(name: &str) -> Element {
    let element = Element::new("Name");
    if name.chars().all(allowed) {
        element.content(name)
    } else {
        let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
        element.attribute("Encoded", "true").content(&encoded)
    }
}

fn metadata(pairs: &[(&str, &str)]) -> Element {
    pairs
        .iter()
        .fold(Element::new("Metadata"), |element, (name, value)| {
            element.text(name, value)
        })
}

/// The opaque `NextMarker` for the name a page begins with.
fn to_marker(name: &str) -> String {
    format!("2!{}", URL_SAFE_NO_PAD.encode(name))
}

/// The name in a marker of ours.
pub fn from_marker(marker: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(marker.strip_prefix("2!")?).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::blob::lease::State;

    #[test]
    fn markers() {
        for name in ["a", "dir/ä b?.txt", ""] {
            assert_eq!(from_marker(&to_marker(name)).as_deref(), Some(name));
        }
        for bad in ["", "2!*", "name", "2!_w"] {
            assert_eq!(from_marker(bad), None, "{bad}");
        }
    }

    #[test]
    fn blob_listing() {
        let entry = BlobEntry {
            name: "a<b",
            etag: "\"0x1\"",
            created: "2026-01-02T03:04:05.5Z".parse().unwrap(),
            last_modified: "2026-01-02T03:04:06Z".parse().unwrap(),
            length: 3,
            content_type: "text/plain",
            content_encoding: None,
            content_language: Some("en"),
            content_disposition: None,
            cache_control: None,
            content_md5: Some("AAAAAAAAAAAAAAAAAAAAAA=="),
            lease: Shown {
                state: State::Leased,
                duration: Some("fixed"),
            },
            copy: Some(CopyEntry {
                id: "id",
                source: "http://h/a",
                completed: "2026-01-02T03:04:06Z".parse().unwrap(),
            }),
            metadata: Some(vec![("k", "v&")]),
        };
        let echo = Echo {
            service_endpoint: "http://127.0.0.1:1/acct/",
            prefix: "a",
            delimiter: "/",
            max_results: Some(2),
            ..Echo::default()
        };
        let lines = [
            Line::Blob(Box::new(entry)),
            Line::Prefix("a/"),
            Line::Prefix("a\u{FFFF}/"),
        ];
        let body = blobs("in", &echo, &lines, Some("b"));
        assert_eq!(
            body,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
             <EnumerationResults ServiceEndpoint=\"http://127.0.0.1:1/acct/\" ContainerName=\"in\">\
             <Prefix>a</Prefix><MaxResults>2</MaxResults><Delimiter>/</Delimiter><Blobs>\
             <Blob><Name>a&lt;b</Name><Properties><Creation-Time>Fri, 02 Jan 2026 03:04:05 GMT</Creation-Time>\
             <Last-Modified>Fri, 02 Jan 2026 03:04:06 GMT</Last-Modified><Etag>0x1</Etag>\
             <Content-Length>3</Content-Length><Content-Type>text/plain</Content-Type><Content-Encoding></Content-Encoding>\
             <Content-Language>en</Content-Language><Content-MD5>AAAAAAAAAAAAAAAAAAAAAA==</Content-MD5><Cache-Control></Cache-Control>\
             <Content-Disposition></Content-Disposition><BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier>\
             <AccessTierInferred>true</AccessTierInferred><LeaseStatus>locked</LeaseStatus><LeaseState>leased</LeaseState><LeaseDuration>fixed</LeaseDuration>\
             <CopyId>id</CopyId><CopyStatus>success</CopyStatus><CopySource>http://h/a</CopySource>\
             <CopyProgress>3/3</CopyProgress><CopyCompletionTime>Fri, 02 Jan 2026 03:04:06 GMT</CopyCompletionTime>\
             <ServerEncrypted>true</ServerEncrypted></Properties><Metadata><k>v&amp;</k></Metadata><OrMetadata /></Blob>\
             <BlobPrefix><Name>a/</Name></BlobPrefix><BlobPrefix><Name Encoded=\"true\">a%EF%BF%BF%2F</Name></BlobPrefix>\
             </Blobs><NextMarker>2!Yg</NextMarker></EnumerationResults>"
        );
    }

    #[test]
    fn container_listing() {
        let entry = ContainerEntry {
            name: "in",
            etag: "\"0x1\"",
            last_modified: "2026-01-02T03:04:06Z".parse().unwrap(),
            lease: Shown {
                state: State::Available,
                duration: None,
            },
            metadata: None,
        };
        let body = containers(&Echo::default(), &[entry], None);
        assert!(body.contains("<Containers><Container><Name>in</Name><Properties><Last-Modified>Fri, 02 Jan 2026 03:04:06 GMT</Last-Modified>"), "{body}");
        assert!(
            body.ends_with("</Containers><NextMarker /></EnumerationResults>"),
            "{body}"
        );
    }
}
