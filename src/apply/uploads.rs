//! Step 2: every file that work needs is a blob with the same content.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::context::Run;
use super::error::ApplyError;
use crate::client::blob::Upload;
use crate::event::Event;
use crate::plan::{Action, StepKind};

/// Sends what differs; answers with files and bytes sent.
pub(super) async fn ensure(run: &Run<'_>) -> Result<(usize, u64), ApplyError> {
    let files = AtomicU64::new(0);
    let bytes = AtomicU64::new(0);
    let kept = run
        .plan
        .uploads
        .iter()
        .filter(|u| u.action == Action::Keep)
        .count() as u64;
    let sent = run.plan.uploads.iter().filter(|u| u.action != Action::Keep);
    run.each(sent, |change| {
        let (files, bytes) = (&files, &bytes);
        async move {
            let upload = &run.desired.uploads[change.item];
            let file = Upload {
                container: upload.container.as_str(),
                blob: upload.blob.as_str(),
                file: &upload.path,
                length: upload.length,
                md5: upload.md5,
                content_type: None,
                metadata: BTreeMap::new(),
            };
            run.client
                .blob
                .upload_file(&file)
                .await
                .map_err(ApplyError::at(StepKind::Uploads))?;
            let done = files.fetch_add(1, Ordering::Relaxed) + 1;
            let bytes = bytes.fetch_add(upload.length, Ordering::Relaxed) + upload.length;
            run.changed(
                StepKind::Uploads,
                "uploaded",
                format!("{}/{}", upload.container, upload.blob),
            );
            run.events.emit(Event::StepProgress {
                step: StepKind::Uploads,
                done: kept + done,
                bytes,
            });
            Ok(())
        }
    })
    .await?;
    let files = usize::try_from(files.into_inner()).unwrap_or(usize::MAX);
    Ok((files, bytes.into_inner()))
}
