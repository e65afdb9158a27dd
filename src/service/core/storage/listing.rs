//! Pages of containers and blobs.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::expiry;
use super::state::{Contents, Reply};
use super::{
    Blob, BlobPage, BlobReply, BlobStorage, ContainerPage, ContentHeaders, ListedBlob, Metadata,
    Page, Properties, Staged,
};
use crate::ids::ContainerName;
use crate::wire::blob::block::BlockId;
use crate::wire::time::Time;

impl BlobStorage {
    pub(super) fn list_containers(&self, page: &Page) -> BlobReply {
        let mut matching = self
            .containers
            .range::<str, _>(from(page))
            .take_while(|(name, _)| name.starts_with(&page.prefix));
        let containers = matching
            .by_ref()
            .take(page.max_results)
            .map(|(name, container)| (name.clone(), container.clone()))
            .collect();
        let next = matching.next().map(|(name, _)| name.clone());
        BlobReply::Containers(ContainerPage { containers, next })
    }

    pub(super) fn list_blobs(
        &self,
        container: &ContainerName,
        delimiter: &str,
        uncommitted: bool,
        page: &Page,
    ) -> Reply {
        self.container(container)?;
        let listed = match self.contents.get(container.as_str()) {
            Some(contents) => list(contents, delimiter, uncommitted, page),
            None => BlobPage {
                blobs: Vec::new(),
                next: None,
            },
        };
        Ok(BlobReply::Blobs(listed))
    }
}

fn from(page: &Page) -> (Bound<&str>, Bound<&str>) {
    let start = page.from.as_deref().unwrap_or_default();
    (Bound::Included(start.max(&page.prefix)), Bound::Unbounded)
}

/// What has a name in a container.
enum Found<'a> {
    Blob(&'a Blob),
    /// Blocks of a blob that does not exist yet.
    Waiting(&'a BTreeMap<BlockId, Staged>),
}

impl Found<'_> {
    fn properties(&self) -> Properties {
        match self {
            Self::Blob(blob) => blob.properties.clone(),
            Self::Waiting(blocks) => {
                let last = expiry::last(blocks).unwrap_or(Time::from_ticks(0));
                Properties {
                    created: last,
                    modified: last,
                    length: 0,
                    headers: ContentHeaders::default(),
                    metadata: Metadata::new(),
                    copy: None,
                    lease: None,
                }
            }
        }
    }
}

/// The first of the names in the range.
fn first<'a>(
    contents: &'a Contents,
    range: (Bound<&str>, Bound<&str>),
    uncommitted: bool,
) -> Option<(&'a String, Found<'a>)> {
    let blob = contents.blobs.range::<str, _>(range).next();
    let blob = blob.map(|(name, blob)| (name, Found::Blob(blob)));
    let mut waiting = contents.blocks.range::<str, _>(range);
    let waiting = waiting.next().filter(|_| uncommitted);
    let waiting = waiting.map(|(name, blocks)| (name, Found::Waiting(blocks)));
    // Of two with the same name the first, which is the blob.
    blob.into_iter()
        .chain(waiting)
        .min_by_key(|(name, _)| *name)
}

fn list(contents: &Contents, delimiter: &str, uncommitted: bool, page: &Page) -> BlobPage {
    let mut blobs = Vec::new();
    let mut position = from(page);
    // Owned by the loop because the bound borrows the prefix that was passed last.
    let mut group: String;
    loop {
        let Some((name, found)) = first(contents, position, uncommitted)
            .filter(|(name, _)| name.starts_with(&page.prefix))
        else {
            return BlobPage { blobs, next: None };
        };
        let prefix = group_of(name, &page.prefix, delimiter);
        if blobs.len() == page.max_results {
            let next = prefix.unwrap_or(name).to_owned();
            return BlobPage {
                blobs,
                next: Some(next),
            };
        }
        match prefix {
            None => {
                blobs.push(ListedBlob::Blob {
                    name: name.clone(),
                    properties: Box::new(found.properties()),
                });
                position = (Bound::Excluded(name), Bound::Unbounded);
            }
            Some(prefix) => {
                blobs.push(ListedBlob::Prefix(prefix.to_owned()));
                // No name of the group sorts after the prefix and the last character there is.
                let Some(after) = after_prefix(prefix) else {
                    return BlobPage { blobs, next: None };
                };
                group = after;
                position = (Bound::Included(&group), Bound::Unbounded);
            }
        }
    }
}

/// The part of the name up to and with the first delimiter after the prefix.
fn group_of<'a>(name: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    if delimiter.is_empty() {
        return None;
    }
    let found = name[prefix.len()..].find(delimiter)?;
    Some(&name[..prefix.len() + found + delimiter.len()])
}

/// The least text that sorts after everything that starts with the prefix.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = (last as u32 + 1..=char::MAX as u32).find_map(char::from_u32);
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}
