//! Pages of containers and blobs.

use std::ops::Bound;

use super::state::{Contents, Reply};
use super::{BlobPage, BlobReply, BlobStorage, ContainerPage, ListedBlob, Page};
use crate::ids::ContainerName;

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
        page: &Page,
    ) -> Reply {
        self.container(container)?;
        let listed = match self.contents.get(container.as_str()) {
            Some(contents) => list(contents, delimiter, page),
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

fn list(contents: &Contents, delimiter: &str, page: &Page) -> BlobPage {
    let mut blobs = Vec::new();
    let mut position = from(page);
    // Owned by the loop because the bound borrows the prefix that was passed last.
    let mut group: String;
    loop {
        let Some((name, blob)) = contents
            .blobs
            .range::<str, _>(position)
            .next()
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
                    properties: Box::new(blob.properties.clone()),
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
