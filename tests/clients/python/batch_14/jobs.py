"""Jobs: every verb."""

from datetime import timedelta

from azure.batch import models
from service import client, gone, job, pool, refused, state, task, until

batch = client()
pool(batch, "jobs")
job(
    batch,
    "jobs-a",
    "jobs",
    priority=100,
    constraints=models.JobConstraints(
        max_wall_clock_time=timedelta(hours=2), max_task_retry_count=1
    ),
    metadata=[models.MetadataItem(name="k", value="v")],
)
job(batch, "jobs-b", "jobs")
found = batch.job.get("jobs-a")
assert (found.state, found.priority) == (models.JobState.active, 100)
assert found.on_all_tasks_complete == models.OnAllTasksComplete.no_action
assert found.constraints.max_wall_clock_time == timedelta(hours=2)
options = models.JobListOptions(filter="startswith(id,'jobs-')", select="id", max_results=1)
assert [j.id for j in batch.job.list(options)] == ["jobs-a", "jobs-b"]

batch.job.patch("jobs-a", models.JobPatchParameter(priority=7))
assert batch.job.get("jobs-a").priority == 7
batch.job.update(
    "jobs-a",
    models.JobUpdateParameter(pool_info=models.PoolInformation(pool_id="jobs"), priority=8),
)
found = batch.job.get("jobs-a")
assert found.priority == 8 and found.constraints.max_task_retry_count == 0 and not found.metadata

batch.task.add("jobs-a", task("waits", "/bin/sleep 600"))
state(batch, "jobs-a", "waits", models.TaskState.running)
batch.job.disable("jobs-a", models.DisableJobOption.requeue)
until("disabled", lambda: batch.job.get("jobs-a").state == models.JobState.disabled)
state(batch, "jobs-a", "waits", models.TaskState.active)
batch.job.enable("jobs-a")
state(batch, "jobs-a", "waits", models.TaskState.running)
batch.job.terminate("jobs-a", terminate_reason="enough")
until("completed", lambda: batch.job.get("jobs-a").state == models.JobState.completed)
assert batch.job.get("jobs-a").execution_info.terminate_reason == "enough"
refused(409, "JobCompleted", batch.task.add, "jobs-a", task("late"))

batch.task.add("jobs-b", task("one"))
batch.job.patch(
    "jobs-b",
    models.JobPatchParameter(on_all_tasks_complete=models.OnAllTasksComplete.terminate_job),
)
until("completed", lambda: batch.job.get("jobs-b").state == models.JobState.completed)
counts = batch.job.get_task_counts("jobs-b")
assert counts.task_counts.succeeded == 1 and counts.task_slot_counts.completed == 1

refused(409, "JobExists", job, batch, "jobs-b", "jobs")
for each in ("jobs-a", "jobs-b"):
    batch.job.delete(each)
    gone(batch.job.get, each)
batch.pool.delete("jobs")
gone(batch.pool.get, "jobs")
print("ok jobs")
