"""Tasks one by one: run, fail, retry, stop, reactivate, replace, delete."""

from datetime import timedelta

from azure.batch import models
from service import POLL, client, job, pool, refused, state, task, until

batch = client()
pool(batch, "tasks", task_slots_per_node=4)
job(
    batch,
    "tasks",
    "tasks",
    common_environment_settings=[
        models.EnvironmentSetting(name="A", value="of the job"),
        models.EnvironmentSetting(name="B", value="of the job"),
    ],
)


def output(task_id, name="stdout.txt"):
    return b"".join(batch.download_task_file("tasks", task_id, name)).decode()


batch.create_task(
    "tasks",
    task(
        "says",
        """/bin/sh -c 'echo "$A, $B, $AZ_BATCH_TASK_ID, $AZ_BATCH_JOB_ID, $AZ_BATCH_POOL_ID"; echo bad >&2; pwd'""",
        environment_settings=[models.EnvironmentSetting(name="B", value="of the task")],
    ),
)
says = state(batch, "tasks", "says")
assert output("says").splitlines()[0] == "of the job, of the task, says, tasks, tasks"
assert output("says").splitlines()[1].endswith("/workitems/tasks/job-1/says/wd")
assert output("says", "stderr.txt") == "bad\n"
info = says.execution_info
assert (info.exit_code, info.result, info.retry_count, info.requeue_count) == (0, "success", 0, 0)
assert info.start_time <= info.end_time and info.failure_info is None
assert says.previous_state == "running" and says.state_transition_time >= says.creation_time
assert says.node_info.pool_id == "tasks" and says.node_info.node_id
assert says.node_info.task_root_directory == "workitems/tasks/job-1/says"
assert says.constraints.max_task_retry_count == 0 and says.required_slots == 1
assert says.user_identity.auto_user.scope == "pool"

batch.create_task("tasks", task("fails", "/bin/sh -c 'exit 3'"))
info = state(batch, "tasks", "fails").execution_info
assert (info.exit_code, info.result) == (3, "failure")
assert info.failure_info.code == "FailureExitCode" and info.failure_info.category == "UserError"

batch.create_task("tasks", task("absent", "/no/such/program"))
info = state(batch, "tasks", "absent").execution_info
assert info.exit_code is None and info.failure_info.code == "CommandProgramNotFound"

batch.create_task(
    "tasks",
    task(
        "retries",
        """/bin/sh -c 'cd $AZ_BATCH_NODE_SHARED_DIR; echo x >> tries; test $(wc -l < tries) -ge 3'""",
        constraints=models.BatchTaskConstraints(max_task_retry_count=5),
    ),
)
info = state(batch, "tasks", "retries").execution_info
assert (info.exit_code, info.retry_count) == (0, 2), info
assert info.last_retry_time

batch.create_task(
    "tasks",
    task(
        "too-long",
        "/bin/sleep 600",
        constraints=models.BatchTaskConstraints(max_wall_clock_time=timedelta(seconds=1)),
    ),
)
info = state(batch, "tasks", "too-long").execution_info
assert info.result == "failure" and info.failure_info.code == "TaskEnded"

batch.create_task("tasks", task("stopped", "/bin/sleep 600"))
state(batch, "tasks", "stopped", "running")
refused(409, "TaskNotCompleted", batch.reactivate_task, "tasks", "stopped")
batch.terminate_task("tasks", "stopped")
info = state(batch, "tasks", "stopped").execution_info
assert info.result == "failure" and info.failure_info.code == "TaskEnded"
refused(409, "TaskCompleted", batch.terminate_task, "tasks", "stopped")

# Fails once, and not when it is run again.
batch.create_task(
    "tasks",
    task(
        "second-time",
        "/bin/sh -c 'test -e $AZ_BATCH_NODE_SHARED_DIR/m || { touch $AZ_BATCH_NODE_SHARED_DIR/m; exit 1; }'",
    ),
)
assert state(batch, "tasks", "second-time").execution_info.exit_code == 1
batch.reactivate_task("tasks", "second-time")
until(
    "the second run succeeds",
    lambda: batch.get_task("tasks", "second-time").execution_info.exit_code == 0,
)
state(batch, "tasks", "second-time")
refused(409, "TaskSucceeded", batch.reactivate_task, "tasks", "second-time")

changed = batch.get_task("tasks", "fails")
changed.constraints = models.BatchTaskConstraints(
    max_task_retry_count=2, retention_time=timedelta(days=1)
)
batch.replace_task("tasks", "fails", changed)
changed = batch.get_task("tasks", "fails").constraints
assert (changed.max_task_retry_count, changed.retention_time) == (2, timedelta(days=1))

ids = [t.id for t in batch.list_tasks("tasks", filter="executionInfo/result eq 'failure'")]
assert ids == ["absent", "fails", "stopped", "too-long"], ids
ids = [t.id for t in batch.list_tasks("tasks", filter="executionInfo/exitCode eq 3")]
assert ids == ["fails"], ids
slim = next(iter(batch.list_tasks("tasks", select=["id", "executionInfo"])))
assert slim.id == "absent" and slim.state is None and slim.execution_info

batch.delete_task("tasks", "says")
refused(404, "TaskNotFound", batch.get_task, "tasks", "says")
refused(404, "TaskNotFound", batch.delete_task, "tasks", "says")
refused(409, "TaskExists", batch.create_task, "tasks", task("fails"))
batch.begin_delete_job("tasks", polling_interval=POLL).result()
batch.begin_delete_pool("tasks", polling_interval=POLL).result()
print("ok tasks")
