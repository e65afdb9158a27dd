//! What `inputs` has to read for a manifest.

use crate::inputs::snapshot::Source;
use crate::manifest::Manifest;

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
