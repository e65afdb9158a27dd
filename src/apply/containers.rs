//! Step 1: every container exists.

use futures::{TryStreamExt, stream};

use super::context::{PARALLEL, Run};
use super::error::ApplyError;
use crate::client::Create;
use crate::plan::{Action, StepKind};

pub(super) async fn ensure(run: &Run<'_>) -> Result<(), ApplyError> {
    let missing = run
        .plan
        .containers
        .iter()
        .filter(|c| c.action == Action::Create);
    stream::iter(missing.map(Ok))
        .try_for_each_concurrent(PARALLEL, |change| async move {
            let container = &run.desired.containers[change.item];
            let made = run
                .client
                .blob
                .create_container(container.name.as_str(), &container.metadata)
                .await
                .map_err(ApplyError::at(StepKind::Containers))?;
            if made == Create::Created {
                run.changed(StepKind::Containers, "created", container.name.as_str());
            }
            Ok(())
        })
        .await
}
