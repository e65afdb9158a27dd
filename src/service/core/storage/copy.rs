//! Making a blob of another one. No byte moves: both refer to the same extents.

use super::command::Put;
use super::state::Reply;
use super::{
    BlobRefusal, BlobReply, BlobStorage, ContentHeaders, Copy, CopyKind, CopyRecord, Segment,
};
use crate::service::core::effect::Effect;
use crate::wire::blob::error::Code;
use crate::wire::time::Time;

impl BlobStorage {
    pub(super) fn copy_blob(&mut self, copy: Copy, now: Time, effects: &mut Vec<Effect>) -> Reply {
        let source = self
            .readable(&copy.source, &copy.source_conditions, now)
            .map_err(of_source)?
            .clone();
        self.check_replaceable(&copy.blob, &copy.conditions, copy.create_only, now)?;
        let (mut segments, properties) = (source.segments, source.properties);
        let mut metadata = copy.metadata;
        let (headers, record) = match copy.kind {
            CopyKind::Copy { id, from } => {
                if metadata.is_empty() {
                    metadata = properties.metadata;
                }
                let record = CopyRecord {
                    id,
                    source: from,
                    completed: now,
                };
                (properties.headers, Some(record))
            }
            CopyKind::Put {
                headers,
                source_headers,
            } => {
                segments = segments.into_iter().map(without_block).collect();
                let or = match source_headers {
                    true => properties.headers,
                    false => ContentHeaders {
                        content_md5: properties.headers.content_md5,
                        ..ContentHeaders::default()
                    },
                };
                (headers.or(or), None)
            }
        };
        let put = Put {
            blob: copy.blob.clone(),
            content: segments,
            headers,
            metadata,
            conditions: copy.conditions,
            create_only: copy.create_only,
            copy: record,
        };
        let written = self.replace(put, |segments| segments, now, effects)?;
        self.drop_blocks(&copy.blob, effects)?;
        Ok(BlobReply::Written(written))
    }
}

/// A condition on the source has a code of its own, and is never answered with 304.
fn of_source(refusal: BlobRefusal) -> BlobRefusal {
    match refusal.code {
        Code::ConditionNotMet | Code::NotModified => Code::SourceConditionNotMet.into(),
        _ => refusal,
    }
}

fn without_block(segment: Segment) -> Segment {
    Segment {
        block: None,
        ..segment
    }
}

impl ContentHeaders {
    /// These, or the others where one is absent.
    fn or(self, others: Self) -> Self {
        Self {
            content_type: self.content_type.or(others.content_type),
            content_encoding: self.content_encoding.or(others.content_encoding),
            content_language: self.content_language.or(others.content_language),
            content_disposition: self.content_disposition.or(others.content_disposition),
            cache_control: self.cache_control.or(others.cache_control),
            content_md5: self.content_md5.or(others.content_md5),
        }
    }
}
