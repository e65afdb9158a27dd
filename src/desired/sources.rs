//! What `inputs` has to read for a manifest.

use crate::inputs::snapshot::{List, ListKind, Source};
use crate::manifest::{At, ItemSource, Manifest};

/// One source for each `[[uploads]]` entry.
pub fn sources(manifest: &Manifest) -> Vec<Source> {
    manifest
        .uploads
        .iter()
        .map(|upload| Source {
            container: upload.container.value.clone(),
            patterns: upload
                .files
                .iter()
                .map(|f| (f.value.clone(), f.span.clone()))
                .collect(),
            base: upload.base.as_ref().map(|b| b.value.clone()),
            prefix: upload
                .prefix
                .as_ref()
                .map_or_else(String::new, |p| p.value.clone()),
            allow_empty: upload.allow_empty,
        })
        .collect()
}

/// The lists that tasks are made from.
pub fn lists(manifest: &Manifest) -> Vec<List> {
    let list = |kind, path: &At<String>| List {
        kind,
        path: path.value.clone(),
        span: path.span.clone(),
    };
    let each = manifest.tasks.iter().filter_map(|t| t.for_each.as_ref());
    each.filter_map(|each| each.source.as_ref())
        .flat_map(|source| match source {
            ItemSource::Files(patterns) => {
                patterns.iter().map(|p| list(ListKind::Files, p)).collect()
            }
            ItemSource::Rows(path) => vec![list(ListKind::Rows, path)],
            ItemSource::Container { .. } | ItemSource::Values(_) | ItemSource::Zip(_) => Vec::new(),
        })
        .collect()
}
