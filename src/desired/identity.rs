//! The managed identity that nodes use for storage. No part of any digest: it changes no output.

use super::{Input, InputSource, Job, Output, Pool, Task};

/// Gives it to all that is in containers and names none of its own.
pub(super) fn put_into(
    identity: &str,
    pool: Option<&mut Pool>,
    job: Option<&mut Job>,
    tasks: &mut [Task],
) {
    let read = |inputs: &mut Vec<Input>| {
        for input in inputs {
            if !matches!(input.source, InputSource::Url(_)) {
                input.identity.get_or_insert_with(|| identity.to_owned());
            }
        }
    };
    let write = |outputs: &mut Vec<Output>| {
        for output in outputs {
            output.identity.get_or_insert_with(|| identity.to_owned());
        }
    };
    if let Some(pool) = pool {
        read(&mut pool.start_task_inputs);
    }
    if let Some(job) = job {
        read(&mut job.files.preparation_inputs);
        read(&mut job.files.release_inputs);
        read(&mut job.files.manager_inputs);
        write(&mut job.files.manager_outputs);
    }
    for task in tasks {
        read(&mut task.inputs);
        read(&mut task.common_inputs);
        write(&mut task.outputs);
    }
}
