//! What a request is about: the path and the query.

use percent_encoding::percent_decode_str;

use crate::ids::{BlobName, ContainerName};
use crate::service::core::storage::{BlobRef, BlobRefusal};
use crate::wire::blob::error::Code;
use crate::wire::blob::operation::Spec;
use crate::wire::sas::{Level, Resource};

/// The resource of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Account,
    Container(ContainerName),
    Blob(BlobRef),
}

/// Where a URL names the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Path,
    Host,
}

impl Style {
    /// Host style are `account.localhost` and, as at Azure, `account.blob.…`. A host whose name merely begins with
    /// that of the account is path style.
    pub(super) fn of(host: &str, account: &str) -> Self {
        let name = host.split(':').next().unwrap_or_default();
        let below = name
            .get(..account.len())
            .filter(|first| first.eq_ignore_ascii_case(account))
            .and_then(|_| name[account.len()..].strip_prefix('.'))
            .map(|rest| rest.trim_end_matches('.').to_ascii_lowercase());
        match below {
            Some(rest) if rest == "localhost" || rest.starts_with("blob.") => Self::Host,
            _ => Self::Path,
        }
    }
}

impl Target {
    /// Reads `/account/container/blob`, or without the account if the host names it, percent-encoded; slashes in
    /// the blob's name may be encoded or not.
    pub(super) fn parse(path: &str, account: &str, style: Style) -> Result<Self, BlobRefusal> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let rest = match style {
            Style::Host => path,
            Style::Path => {
                let (first, rest) = path.split_once('/').unwrap_or((path, ""));
                if first != account {
                    return Err(BlobRefusal::new(Code::ResourceNotFound)
                        .with("Reason", format!("the only account here is `{account}`")));
                }
                rest
            }
        };
        if rest.is_empty() {
            return Ok(Self::Account);
        }
        let (container, blob) = rest.split_once('/').unwrap_or((rest, ""));
        let container = container_name(&decode(container)?)?;
        if blob.is_empty() {
            return Ok(Self::Container(container));
        }
        // As the real service: a backslash in a path, encoded or not, is a slash. One in a query is itself.
        let blob = BlobName::new(decode(blob)?.replace('\\', "/")).map_err(|invalid| {
            BlobRefusal::new(Code::InvalidResourceName).with("Reason", invalid.message)
        })?;
        Ok(Self::Blob(BlobRef { container, blob }))
    }

    pub(super) fn level(&self) -> Level {
        match self {
            Self::Account => Level::Service,
            Self::Container(_) => Level::Container,
            Self::Blob(_) => Level::Object,
        }
    }

    /// For checking a signature.
    pub(super) fn resource(&self) -> Option<Resource<'_>> {
        match self {
            Self::Account => None,
            Self::Container(name) => Some(Resource::Container(name.as_str())),
            Self::Blob(at) => Some(Resource::Blob {
                container: at.container.as_str(),
                blob: at.blob.as_str(),
            }),
        }
    }
}

fn container_name(name: &str) -> Result<ContainerName, BlobRefusal> {
    if name.starts_with('$') {
        return Err(BlobRefusal::unsupported(
            "the system container of that name",
        ));
    }
    ContainerName::new(name).map_err(|invalid| {
        let code = match name.len() {
            3..=63 => Code::InvalidResourceName,
            _ => Code::OutOfRangeInput,
        };
        BlobRefusal::new(code).with("Reason", invalid.message)
    })
}

fn decode(text: &str) -> Result<String, BlobRefusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| Code::InvalidUri)?.into_owned())
}

/// The query: names in lower case, the first of a repeated one.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

/// Good everywhere; the fields of a signature come after `comp`.
const GENERAL: &[&str] = &[
    "timeout", "restype", "comp", "sv", "ss", "srt", "sr", "sp", "st", "se", "spr", "sig", "rscc",
    "rscd", "rsce", "rscl", "rsct",
];

impl Query {
    pub(super) fn parse(query: &str) -> Result<Self, BlobRefusal> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?.to_ascii_lowercase();
            if !pairs.iter().any(|(known, _)| *known == name) {
                pairs.push((name, decode(&value.replace('+', " "))?));
            }
        }
        Ok(Self(pairs))
    }

    /// The value, or an empty text.
    pub(super) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Refuses parameters that the operation does not know.
    pub(super) fn check(&self, spec: &Spec) -> Result<(), BlobRefusal> {
        let unknown = self.0.iter().find(|(name, _)| {
            !GENERAL.contains(&name.as_str()) && !spec.parameters.contains(&name.as_str())
        });
        match unknown {
            None => Ok(()),
            Some((name, value)) => Err(BlobRefusal::new(Code::UnsupportedQueryParameter)
                .with("QueryParameterName", name)
                .with("QueryParameterValue", value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, expected) in [
            ("/acct", "account"),
            ("/acct/", "account"),
            ("/acct/in1", "in1"),
            ("/acct/in1/", "in1"),
            ("/acct/in1/a", "in1: a"),
            ("/acct/in1/a%20b/c+d", "in1: a b/c+d"),
            ("/acct/in1/a%2Fb", "in1: a/b"),
            ("/acct/in1//a", "in1: /a"),
            ("/acct/in1/a%5Cb\\c", "in1: a/b/c"),
            ("/acct/in1/..%5Cb", "InvalidResourceName"),
            ("/acct/in1/dir/", "in1: dir/"),
            ("/other/in1", "ResourceNotFound"),
            ("/", "ResourceNotFound"),
            ("/acct/IN1", "InvalidResourceName"),
            ("/acct/in", "OutOfRangeInput"),
            ("/acct/$web/a", "NotImplemented"),
            ("/acct/in1/%FF", "InvalidUri"),
            ("/acct/in1/a%00b", "InvalidResourceName"),
            ("/acct/in1/..%2Fb", "InvalidResourceName"),
        ] {
            assert_eq!(shown(path, Style::Path), expected, "{path}");
            // The same without the account, but for what is refused because it is another.
            if let Some(rest) = path.strip_prefix("/acct") {
                assert_eq!(shown(rest, Style::Host), expected, "{rest}");
            }
        }
    }

    fn shown(path: &str, style: Style) -> String {
        match Target::parse(path, "acct", style) {
            Ok(Target::Account) => "account".to_owned(),
            Ok(Target::Container(name)) => name.to_string(),
            Ok(Target::Blob(at)) => format!("{}: {}", at.container, at.blob),
            Err(refusal) => refusal.code.as_str().to_owned(),
        }
    }

    #[test]
    fn styles() {
        for (host, expected) in [
            ("acct.localhost", Style::Host),
            ("acct.localhost:10101", Style::Host),
            ("Acct.Blob.LocalHost.:1", Style::Host),
            ("acct.blob.core.windows.net", Style::Host),
            ("acct.example.org", Style::Path),
            ("acct", Style::Path),
            ("acctlocalhost", Style::Path),
            ("other.localhost", Style::Path),
            ("localhost:1", Style::Path),
            ("127.0.0.1:1", Style::Path),
            ("[::1]:1", Style::Path),
            ("ä.localhost", Style::Path),
            ("", Style::Path),
        ] {
            assert_eq!(Style::of(host, "acct"), expected, "{host}");
        }
    }

    #[test]
    fn queries() {
        let query = Query::parse("Comp=list&prefix=a%2Bb+c&x&prefix=2").unwrap();
        assert_eq!(query.text("comp"), "list");
        assert_eq!(query.text("prefix"), "a+b c");
        assert_eq!(query.text("y"), "");
        assert!(Query::parse("a=%FF").is_err());
    }
}
