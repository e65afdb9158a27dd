//! What a signature sees of a request.

use std::collections::BTreeMap;

/// The signed parts of a request: a view any HTTP library's request can fill.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// By lower-case name; the values of a repeated header are joined with commas.
    headers: BTreeMap<String, String>,
}

impl<'a> Request<'a> {
    /// `path` and `query` exactly as on the wire, percent-encoded, the query without its `?`.
    pub fn new(method: &'a str, path: &'a str, query: &'a str) -> Self {
        Self {
            method,
            path,
            query,
            headers: BTreeMap::new(),
        }
    }

    /// Adds a header. `Content-Length` has to be given as it will be sent, even if the library adds it later.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = value.trim();
        self.headers
            .entry(name.to_ascii_lowercase())
            .and_modify(|before| {
                before.push(',');
                before.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
        self
    }

    /// Adds headers, such as those of an `http::HeaderMap`.
    pub fn headers<N: AsRef<str>, V: AsRef<str>>(
        self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        headers.into_iter().fold(self, |request, (name, value)| {
            request.header(name.as_ref(), value.as_ref())
        })
    }

    /// The value of a header, by its lower-case name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Headers whose lower-case name starts so, sorted by name.
    pub(super) fn starting_with(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
