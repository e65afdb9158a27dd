"""Tasks one by one and a thousand at once, and their files."""

import io

from azure.batch import models
from azure.batch.custom.custom_errors import CreateTasksErrorException
from service import client, gone, job, pool, refused, state, task, until

batch = client()
pool(batch, "tasks", nodes=2, task_slots_per_node=4)
job(batch, "tasks", "tasks")

batch.task.add(
    "tasks",
    task(
        "says",
        """/bin/sh -c 'printf 0123456789; mkdir "sub dir"; printf plus > "sub dir/a+b.txt"; echo $A >&2'""",
        environment_settings=[models.EnvironmentSetting(name="A", value="seen")],
    ),
)
batch.task.add("tasks", task("fails", "/bin/false"))
says, fails = state(batch, "tasks", "says"), state(batch, "tasks", "fails")
assert (says.execution_info.exit_code, says.execution_info.result) == (
    0,
    models.TaskExecutionResult.success,
)
assert (fails.execution_info.exit_code, fails.execution_info.result) == (
    1,
    models.TaskExecutionResult.failure,
)
assert fails.execution_info.failure_info.code == "FailureExitCode"
assert fails.execution_info.failure_info.category == models.ErrorCategory.user_error


def read(path, **more):
    options = models.FileGetFromTaskOptions(**more)
    stream = batch.file.get_from_task("tasks", "says", path, options)
    return io.BytesIO(b"".join(stream)).getvalue()


assert read("stdout.txt") == b"0123456789"
assert read("stdout.txt", ocp_range="bytes=6-9") == b"6789"
assert read("stderr.txt") == b"seen\n"
assert read("wd/sub dir/a+b.txt") == b"plus"
about = batch.file.get_properties_from_task("tasks", "says", "stdout.txt", raw=True)
assert (
    about.headers["Content-Length"] == 10 and about.headers["ocp-batch-file-isdirectory"] is False
)
files = {f.name: f for f in batch.file.list_from_task("tasks", "says", recursive=True)}
assert files["wd/sub dir/a+b.txt"].properties.content_length == 4
assert files["wd/sub dir"].is_directory
refused(404, "FileNotFound", batch.file.get_from_task, "tasks", "says", "none")

batch.task.reactivate("tasks", "fails")
state(batch, "tasks", "fails")
batch.task.add("tasks", task("long", "/bin/sleep 600"))
state(batch, "tasks", "long", models.TaskState.running)
batch.task.terminate("tasks", "long")
assert state(batch, "tasks", "long").execution_info.failure_info.code == "TaskEnded"
refused(409, "TaskCompleted", batch.task.terminate, "tasks", "long")
batch.task.update("tasks", "long", models.TaskConstraints(max_task_retry_count=3))
assert batch.task.get("tasks", "long").constraints.max_task_retry_count == 3
batch.task.delete("tasks", "long")
refused(404, "TaskNotFound", batch.task.get, "tasks", "long")
options = models.TaskListOptions(filter="executionInfo/exitCode ne 0", select="id")
assert [t.id for t in batch.task.list("tasks", options)] == ["fails"]

# The client takes a task that exists for one that it added; it names the others.
job(batch, "bulk", "tasks")
batch.task.add("bulk", task("t-0500", "/bin/echo first"))
thousand = [task(f"t-{n:04}") for n in range(1000)]
try:
    batch.task.add_collection("bulk", thousand + [task("b/d"), task("x" * 65)], threads=4)
except CreateTasksErrorException as error:
    failed = {t.task_id: t.error.code for t in error.failure_tasks}
    assert failed == {"b/d": "InvalidPropertyValue", "x" * 65: "InvalidPropertyValue"}, failed
    assert not error.errors and not error.pending_tasks
else:
    raise AssertionError("bad ids were added")
until(
    "all are completed",
    lambda: batch.job.get_task_counts("bulk").task_counts.completed == 1000,
    seconds=120,
)
options = models.TaskListOptions(select="id", max_results=300)
assert [t.id for t in batch.task.list("bulk", options)] == [t.id for t in thousand]

for each in ("tasks", "bulk"):
    batch.job.delete(each)
    gone(batch.job.get, each)
batch.pool.delete("tasks")
gone(batch.pool.get, "tasks")
print("ok tasks")
