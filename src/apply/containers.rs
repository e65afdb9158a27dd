//! Step 1: every container exists, and carries the manifest's mark if it is ours.

use super::context::Run;
use super::error::ApplyError;
use crate::client::Create;
use crate::plan::{Action, StepKind};

pub(super) async fn ensure(run: &Run<'_>) -> Result<(), ApplyError> {
    let wanting = run
        .plan
        .containers
        .iter()
        .filter(|c| c.action != Action::Keep);
    run.each(wanting, |change| async move {
        let container = &run.desired.containers[change.item];
        let name = container.name.as_str();
        let blob = &run.client.blob;
        let at = ApplyError::at(StepKind::Containers);
        if change.action == Action::Update {
            let marked = blob.add_container_metadata(name, &container.metadata);
            marked.await.map_err(at)?;
            run.changed(StepKind::Containers, "adopted", name);
            return Ok(());
        }
        let made = blob.create_container(name, &container.metadata).await;
        if made.map_err(at)? == Create::Created {
            run.changed(StepKind::Containers, "created", name);
        }
        Ok(())
    })
    .await
    .map(drop)
}
