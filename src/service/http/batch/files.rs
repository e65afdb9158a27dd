//! The files of a node or a task: listed and read from their directory, and from nowhere else.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::answer::Asked;
use super::query::Query;
use crate::service::agent::directories::NodeDirectories;
use crate::service::core::command::List;
use crate::service::core::effect::NodeRef;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::file::{FileEntry, FileProperties};
use crate::wire::filter::{Filterable, Operand, lists};
use crate::wire::page::Page;
use crate::wire::precondition::{Preconditions, Verdict};
use crate::wire::time::Time;

/// Where files are looked for.
pub(super) struct Place {
    /// What paths are relative to.
    directory: PathBuf,
    /// What a link may not lead out of.
    node: PathBuf,
}

impl Place {
    pub(super) fn of_node(nodes_dir: &Path, node: &NodeRef) -> Option<Self> {
        let directories = NodeDirectories::new(nodes_dir, node).ok()?;
        Some(Self {
            directory: directories.root().to_owned(),
            node: directories.root().to_owned(),
        })
    }

    pub(super) fn of_task(nodes_dir: &Path, node: &NodeRef, job: &str, task: &str) -> Option<Self> {
        let directories = NodeDirectories::new(nodes_dir, node).ok()?;
        Some(Self {
            directory: directories.task(job, task).ok()?,
            node: directories.root().to_owned(),
        })
    }

    /// The file a caller named, once it is sure that it lies within the node.
    fn find(&self, path: &str) -> Result<(PathBuf, Metadata), Refusal> {
        let not_found = || not_found(path);
        let relative = Path::new(path);
        let plain = relative
            .components()
            .all(|c| matches!(c, Component::Normal(_)));
        if !plain || path.contains('\0') {
            return Err(not_found());
        }
        let open = || -> io::Result<(PathBuf, PathBuf, Metadata)> {
            let root = self.node.canonicalize()?;
            let file = self.directory.join(relative).canonicalize()?;
            let metadata = fs::metadata(&file)?;
            Ok((root, file, metadata))
        };
        match open() {
            // To open a pipe or a device would be to wait for whoever is at its other end.
            Ok((root, file, metadata))
                if file.starts_with(&root) && (metadata.is_file() || metadata.is_dir()) =>
            {
                Ok((file, metadata))
            }
            _ => Err(not_found()),
        }
    }

    /// Where the entry of that path is, a link as itself, once it is sure that it lies within the node.
    fn find_entry(&self, path: &str) -> Result<PathBuf, Refusal> {
        let folder = match path.rsplit_once('/') {
            Some((parent, _)) => self.find(parent)?.0,
            None => self.directory.clone(),
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_plain = matches!(
            Path::new(name).components().collect::<Vec<_>>()[..],
            [Component::Normal(_)]
        );
        if !is_plain || name.contains('\0') {
            return Err(not_found(path));
        }
        Ok(folder.join(name))
    }

    /// Every entry by its path, directories without what is in them unless asked.
    fn entries(&self, recursive: bool) -> io::Result<Vec<Listed>> {
        let root = self.node.canonicalize()?;
        let mut found = Vec::new();
        let mut waiting = vec![String::new()];
        while let Some(folder) = waiting.pop() {
            let at = self.directory.join(&folder);
            for entry in fs::read_dir(&at)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                };
                // A link is shown as what it leads to, but not walked into, and not shown when it leads out. A
                // file that vanishes meanwhile was not there.
                let Ok(real) = entry.path().canonicalize() else {
                    continue;
                };
                let Ok(metadata) = fs::metadata(&real) else {
                    continue;
                };
                if !real.starts_with(&root) {
                    continue;
                }
                let is_link = entry.file_type().is_ok_and(|t| t.is_symlink());
                if recursive && metadata.is_dir() && !is_link {
                    waiting.push(path.clone());
                }
                found.push(Listed { path, metadata });
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }
}

struct Listed {
    path: String,
    metadata: Metadata,
}

impl Filterable for Listed {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        (field == "name").then(|| self.path.as_str().into())
    }
}

/// One request about files.
pub(super) struct FileRequest {
    pub(super) place: Place,
    pub(super) conditions: Preconditions,
    /// `ocp-range`.
    pub(super) range: Option<String>,
}

impl FileRequest {
    pub(super) async fn list(
        self,
        asked: &Asked<'_>,
        query: &Query,
    ) -> Result<Response<Body>, Refusal> {
        let list = query.list(lists::FILES)?;
        let recursive = query
            .get("recursive")
            .is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let found = tokio::task::spawn_blocking(move || self.place.entries(recursive)).await;
        let entries = match found {
            Ok(Ok(entries)) => entries,
            // The directory is not made yet, or no more.
            Ok(Err(e)) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Ok(Err(e)) => return Err(unreadable(&e)),
            Err(_) => return Err(Code::InternalError.into()),
        };
        Ok(asked.list("files", &page(entries, &list, asked)))
    }

    /// Deletes a file, an empty directory, or with `recursive` a directory and what is in it.
    pub(super) async fn delete(
        self,
        asked: &Asked<'_>,
        path: &str,
        query: &Query,
    ) -> Result<Response<Body>, Refusal> {
        let recursive = query
            .get("recursive")
            .is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let target = self.place.find_entry(path)?;
        let deleted = tokio::task::spawn_blocking(move || {
            let kind = fs::symlink_metadata(&target)?.file_type();
            match (kind.is_dir(), recursive) {
                (true, true) => fs::remove_dir_all(&target),
                (true, false) => fs::remove_dir(&target),
                (false, _) => fs::remove_file(&target),
            }
        })
        .await;
        match deleted {
            Ok(Ok(())) => Ok(asked.start(200)),
            Ok(Err(e))
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename
                ) =>
            {
                Err(Refusal::new(Code::FileNotFound).with("FilePath", path))
            }
            Ok(Err(e)) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {
                Err(Refusal::new(Code::OperationInvalidForCurrentState)
                    .with("FilePath", path)
                    .with(
                        "Reason",
                        "The directory is not empty and recursive is false",
                    ))
            }
            Ok(Err(e)) => Err(unreadable(&e)),
            Err(_) => Err(Code::InternalError.into()),
        }
    }

    /// Get and head of one file. A range is answered with 200: the SDKs accept nothing else.
    pub(super) async fn file(
        self,
        asked: &Asked<'_>,
        path: &str,
    ) -> Result<Response<Body>, Refusal> {
        let (file, metadata) = self.place.find(path)?;
        let modified = modified(&metadata);
        if self.conditions.check_read(modified)? == Verdict::NotModified {
            return Ok(asked.start(304));
        }
        if metadata.is_dir() && !asked.is_head {
            return Err(Refusal::new(Code::FileNotFound)
                .with("FilePath", path)
                .with("Reason", "The path is a directory"));
        }
        let length = if metadata.is_dir() { 0 } else { metadata.len() };
        let (start, count) = match &self.range {
            Some(range) if !asked.is_head => read_range(range, length)?,
            _ => (0, length),
        };
        let mut response = asked.start(200);
        let url = file_url(asked, path);
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_LENGTH.as_str(), count.to_string()),
            (header::CONTENT_TYPE.as_str(), content_type(path).to_owned()),
            (header::LAST_MODIFIED.as_str(), modified.to_rfc1123()),
            (
                "ocp-batch-file-isdirectory",
                is_directory(&metadata).to_owned(),
            ),
            ("ocp-batch-file-mode", mode(&metadata)),
            (
                "ocp-batch-file-url",
                utf8_percent_encode(&url, NON_ALPHANUMERIC).to_string(),
            ),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(
                    axum::http::HeaderName::from_bytes(name.as_bytes())
                        .map_err(|_| Code::InternalError)?,
                    value,
                );
            }
        }
        if !asked.is_head {
            let mut opened = tokio::fs::File::open(&file)
                .await
                .map_err(|e| unreadable(&e))?;
            opened
                .seek(io::SeekFrom::Start(start))
                .await
                .map_err(|e| unreadable(&e))?;
            // A task may be writing: no more is sent than was announced.
            *response.body_mut() = Body::from_stream(ReaderStream::new(opened.take(count)));
        }
        Ok(response)
    }
}

fn page(entries: Vec<Listed>, list: &List, asked: &Asked<'_>) -> Page<FileEntry> {
    let after = list.after.as_deref();
    let mut passing = entries
        .into_iter()
        .filter(|e| after.is_none_or(|after| e.path.as_str() > after))
        .filter(|e| list.filter.as_ref().is_none_or(|f| f.matches(e)))
        .peekable();
    let taken: Vec<Listed> = passing.by_ref().take(list.max).collect();
    let next = match (passing.peek(), taken.last()) {
        (Some(_), Some(last)) => Some(last.path.clone()),
        _ => None,
    };
    let value = taken.into_iter().map(|e| entry(&e, asked)).collect();
    Page { value, next }
}

fn entry(listed: &Listed, asked: &Asked<'_>) -> FileEntry {
    let metadata = &listed.metadata;
    let properties = (!metadata.is_dir()).then(|| FileProperties {
        creation_time: None,
        last_modified: modified(metadata),
        content_length: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
        content_type: Some(content_type(&listed.path).to_owned()),
        file_mode: Some(mode(metadata)),
    });
    // The request's own path is `…/files`.
    let base = format!("{}{}", asked.endpoint, asked.path);
    FileEntry {
        url: Some(format!("{base}/{}", encode_path(&listed.path))),
        name: Some(listed.path.clone()),
        is_directory: Some(metadata.is_dir()),
        properties,
    }
}

fn encode_path(path: &str) -> String {
    let encode = |segment| utf8_percent_encode(segment, KEPT).to_string();
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

const KEPT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The URL of the file the request names, its path written plainly.
fn file_url(asked: &Asked<'_>, path: &str) -> String {
    // `/jobs/{}/tasks/{}` or `/pools/{}/nodes/{}`; any of them may be called `files`.
    let parent: Vec<&str> = asked.path.split('/').take(5).collect();
    let parent = parent.join("/");
    format!("{}{parent}/files/{}", asked.endpoint, encode_path(path))
}

fn modified(metadata: &Metadata) -> Time {
    let at = metadata.modified().ok();
    let at = at.and_then(|t| jiff::Timestamp::try_from(t).ok());
    Time::from(at.unwrap_or(jiff::Timestamp::UNIX_EPOCH))
}

fn mode(metadata: &Metadata) -> String {
    format!("0o{:o}", metadata.permissions().mode())
}

fn is_directory(metadata: &Metadata) -> &'static str {
    if metadata.is_dir() { "True" } else { "False" }
}

fn content_type(path: &str) -> &'static str {
    if path.ends_with(".txt") {
        "text/plain"
    } else {
        "application/octet-stream"
    }
}

/// First byte and count of `bytes=a-b` or `bytes=a-`.
fn read_range(text: &str, length: u64) -> Result<(u64, u64), Refusal> {
    let invalid = |code| Refusal::new(code).with("ocp-range", text);
    let (first, last) = text
        .strip_prefix("bytes=")
        .and_then(|r| r.split_once('-'))
        .ok_or_else(|| invalid(Code::InvalidHeaderValue))?;
    let number = |t: &str| {
        t.parse::<u64>()
            .map_err(|_| invalid(Code::InvalidHeaderValue))
    };
    let first = number(first)?;
    let last = if last.is_empty() {
        u64::MAX
    } else {
        number(last)?
    };
    if first >= length || last < first {
        return Err(invalid(Code::InvalidRange));
    }
    Ok((first, last.min(length - 1) - first + 1))
}

fn not_found(path: &str) -> Refusal {
    Refusal::new(Code::FileNotFound).with("FilePath", path)
}

fn unreadable(error: &io::Error) -> Refusal {
    Refusal::new(Code::IoError).with("Reason", error.to_string())
}
