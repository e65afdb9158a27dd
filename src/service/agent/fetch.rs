//! Resource files: from blobs and the web into a working directory, and nowhere else.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use futures::{FutureExt, StreamExt, TryStreamExt};
use reqwest::{Method, Response, Url};

use super::blob_url::{BlobEndpoints, blob_in, list_of, shown};
use super::failure::{Code, Trouble, chain};
use super::listing::{self, Page};
use super::web::{Web, WebError, retrying};
use crate::wire::batch::command::ResourceFile;

/// Files fetched at the same time for one run.
const AT_ONCE: usize = 8;
/// Bytes held before they are written; a file that is not larger is written in one go.
const BUFFER: usize = 1 << 20;
const DEFAULT_MODE: u32 = 0o770;

/// One file to fetch.
#[derive(Debug, PartialEq)]
struct Download {
    url: Url,
    /// Relative to the working directory, checked.
    path: PathBuf,
    mode: u32,
}

/// Fetches every resource file, or says what was wrong with the first that could not be.
pub(super) async fn stage(
    web: &Web,
    endpoints: &BlobEndpoints,
    files: &[ResourceFile],
    working: &Path,
) -> Result<(), Trouble> {
    let mut downloads = Vec::new();
    for file in files {
        downloads.extend(resolve(web, endpoints, file).await?);
    }
    futures::stream::iter(downloads)
        .map(|download| fetch(web, download, working).boxed())
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn resolve(
    web: &Web,
    endpoints: &BlobEndpoints,
    file: &ResourceFile,
) -> Result<Vec<Download>, Trouble> {
    let mode = mode(file.file_mode.as_deref())?;
    let address = |text| {
        endpoints
            .resolve(text)
            .map_err(|e| Trouble::new(Code::BlobDownloadMiscError, e))
    };
    match (
        &file.http_url,
        &file.storage_container_url,
        &file.auto_storage_container_name,
    ) {
        (Some(url), None, None) => {
            let path = file.file_path.as_deref().unwrap_or_default();
            Ok(vec![Download {
                url: address(url)?,
                path: inside(path)?,
                mode,
            }])
        }
        (None, Some(url), None) => {
            let container = address(url)?;
            let directory = file.file_path.as_deref().unwrap_or_default();
            let below = |name: &String| match directory.trim_end_matches('/') {
                "" if directory.is_empty() => name.clone(),
                directory => format!("{directory}/{name}"),
            };
            let names = list(web, &container, file.blob_prefix.as_deref()).await?;
            names
                .iter()
                // What stands for a directory has no content.
                .filter(|name| !name.ends_with('/'))
                .map(|name| {
                    let path = inside(&below(name));
                    Ok(Download {
                        url: blob_in(&container, name),
                        path: path.map_err(|t| t.about("BlobSource", shown(&container)))?,
                        mode,
                    })
                })
                .collect()
        }
        (None, None, Some(name)) => Err(Trouble::new(
            Code::BlobAccessDenied,
            format!("the account has no auto storage, where the container `{name}` would be"),
        )),
        _ => Err(Trouble::new(
            Code::ResourceFileCreateFailed,
            "a resource file needs exactly one of httpUrl, storageContainerUrl and autoStorageContainerName",
        )),
    }
}

/// Permissions from octal text.
fn mode(text: Option<&str>) -> Result<u32, Trouble> {
    let Some(text) = text.filter(|t| !t.is_empty()) else {
        return Ok(DEFAULT_MODE);
    };
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| {
            let message = format!("the file mode `{text}` is not octal permissions such as 0770");
            Trouble::new(Code::ResourceFileCreateFailed, message)
        })
}

/// The path below the working directory.
fn inside(path: &str) -> Result<PathBuf, Trouble> {
    let refuse =
        |why: &str| Err(Trouble::new(Code::ResourceFileCreateFailed, why).about("FilePath", path));
    if path.starts_with('/') || path.contains('\0') {
        return refuse("the path is not relative to the working directory");
    }
    let mut clean = PathBuf::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return refuse("the path leaves the working directory"),
            part => clean.push(part),
        }
    }
    if clean.as_os_str().is_empty() || path.ends_with('/') {
        return refuse("the path does not name a file");
    }
    Ok(clean)
}

async fn list(web: &Web, container: &Url, prefix: Option<&str>) -> Result<Vec<String>, Trouble> {
    let trouble = |t: Trouble| t.about("BlobSource", shown(container));
    let mut names = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let url = list_of(container, prefix, marker.as_deref());
        let text = retrying(|| async {
            let request = web.blob_request(Method::GET, url.clone()).build()?;
            Ok(web.send(request).await?.text().await?)
        })
        .await
        .map_err(|e| trouble(download_trouble(&e)))?;
        let page: Page = listing::parse(&text)
            .map_err(|e| trouble(Trouble::new(Code::BlobDownloadMiscError, chain(&e))))?;
        names.extend(page.names);
        match page.next_marker {
            Some(next) if marker.as_ref() != Some(&next) => marker = Some(next),
            _ => return Ok(names),
        }
    }
}

async fn fetch(web: &Web, download: Download, working: &Path) -> Result<(), Trouble> {
    let Download { url, path, mode } = download;
    let trouble = |t: Trouble| {
        t.about("BlobSource", shown(&url))
            .about("FilePath", path.display())
    };
    let directory = make_directories(working, &path).map_err(trouble)?;
    let unfinished = Unfinished::in_directory(&directory);
    retrying(|| async {
        let request = web.client(&url).get(url.clone()).build()?;
        save(web.send(request).await?, &unfinished.0).await
    })
    .await
    .map_err(|e| trouble(download_trouble(&e)))?;
    let target = working.join(&path);
    std::fs::set_permissions(&unfinished.0, Permissions::from_mode(mode))
        .and_then(|()| std::fs::rename(&unfinished.0, &target))
        .map_err(|e| trouble(Trouble::new(Code::ResourceFileCreateFailed, e)))
}

/// A file that is removed unless it was renamed.
struct Unfinished(PathBuf);

impl Unfinished {
    fn in_directory(directory: &Path) -> Self {
        Self(directory.join(format!(".fetch-{}", uuid::Uuid::new_v4().simple())))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The directory of a file, made where missing. No link is followed: it could lead out.
fn make_directories(working: &Path, path: &Path) -> Result<PathBuf, Trouble> {
    let mut directory = working.to_owned();
    for part in path.parent().into_iter().flatten() {
        directory.push(part);
        let made = match std::fs::create_dir(&directory) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                match std::fs::symlink_metadata(&directory) {
                    Ok(metadata) if metadata.is_dir() => Ok(()),
                    _ => Err(e),
                }
            }
            other => other,
        };
        made.map_err(|e| Trouble::new(Code::ResourceDirectoryCreateFailed, e))?;
    }
    Ok(directory)
}

async fn save(mut response: Response, path: &Path) -> Result<(), WebError> {
    let mut file: Option<File> = None;
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        let chunk = response.chunk().await?;
        let end = chunk.is_none();
        buffer.extend(chunk.into_iter().flatten());
        if end || buffer.len() >= BUFFER {
            let path = path.to_owned();
            let write = move || -> std::io::Result<_> {
                let mut file = match file {
                    Some(file) => file,
                    None => File::create(path)?,
                };
                file.write_all(&buffer)?;
                buffer.clear();
                Ok((Some(file), buffer))
            };
            (file, buffer) = tokio::task::spawn_blocking(write)
                .await
                .map_err(std::io::Error::other)
                .flatten()
                .map_err(WebError::Keep)?;
        }
        if end {
            return Ok(());
        }
    }
}

fn download_trouble(error: &WebError) -> Trouble {
    let code = match error {
        WebError::Keep(e) if e.kind() == ErrorKind::StorageFull => Code::DiskFull,
        WebError::Keep(_) => Code::ResourceFileWriteFailed,
        WebError::TimedOut(_) => Code::BlobDownloadTimedOut,
        _ => match error.status() {
            Some(404) => Code::BlobNotFound,
            Some(401 | 403) => Code::BlobAccessDenied,
            _ => Code::BlobDownloadMiscError,
        },
    };
    Trouble::new(code, error.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for (path, clean) in [
            ("a", "a"),
            ("a/b c/é", "a/b c/é"),
            ("./a//b", "a/b"),
            ("..a/b..", "..a/b.."),
        ] {
            assert_eq!(inside(path).unwrap(), Path::new(clean), "{path}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/..",
            "../a",
            "a/../../b",
            "/a",
            "//a",
            "a/",
            "a\0b",
        ] {
            let trouble = inside(bad).unwrap_err();
            assert_eq!(trouble.code, Code::ResourceFileCreateFailed, "{bad:?}");
        }
    }

    #[test]
    fn modes() {
        for (text, bits) in [
            (None, 0o770),
            (Some(""), 0o770),
            (Some("0644"), 0o644),
            (Some("755"), 0o755),
        ] {
            assert_eq!(mode(text), Ok(bits));
        }
        for bad in ["rwx", "0888", "4755", "-1", "0o7"] {
            assert!(mode(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_link_is_not_a_directory_to_fetch_into() {
        let dir = tempfile::tempdir().unwrap();
        let working = dir.path().join("wd");
        std::fs::create_dir(&working).unwrap();
        std::os::unix::fs::symlink(dir.path(), working.join("link")).unwrap();
        std::fs::write(working.join("file"), "").unwrap();
        for path in ["link/x", "file/x"] {
            let trouble = make_directories(&working, Path::new(path)).unwrap_err();
            assert_eq!(trouble.code, Code::ResourceDirectoryCreateFailed, "{path}");
        }
        let made = make_directories(&working, Path::new("a/b/x")).unwrap();
        assert!(made.is_dir() && made == working.join("a/b"));
        assert!(make_directories(&working, Path::new("a/b/y")).is_ok());
    }
}
