"""Jobs: every verb."""

from datetime import timedelta

from azure.batch import models
from service import POLL, client, job, pool, refused, state, task, until

batch = client()
pool(batch, "jobs")

job(
    batch,
    "jobs-a",
    "jobs",
    display_name="the first",
    priority=100,
    constraints=models.BatchJobConstraints(
        max_wall_clock_time=timedelta(hours=2), max_task_retry_count=1
    ),
    common_environment_settings=[models.EnvironmentSetting(name="COLOUR", value="green")],
    metadata=[models.BatchMetadataItem(name="k", value="v")],
)
for other in ("jobs-b", "jobs-c"):
    job(batch, other, "jobs")

found = batch.get_job("jobs-a")
assert (found.state, found.priority, found.display_name) == ("active", 100, "the first")
assert found.constraints.max_wall_clock_time == timedelta(hours=2)
assert found.constraints.max_task_retry_count == 1
assert (found.all_tasks_complete_mode, found.task_failure_mode) == ("noaction", "noaction")
assert (found.uses_task_dependencies, found.max_parallel_tasks) == (False, -1)
assert found.execution_info.pool_id == "jobs" and found.execution_info.start_time
assert found.pool_info.pool_id == "jobs" and found.etag.startswith("0x")

mine = "startswith(id,'jobs-')"
assert [j.id for j in batch.list_jobs(filter=mine)] == ["jobs-a", "jobs-b", "jobs-c"]
assert [j.id for j in batch.list_jobs(filter=mine, max_results=1)] == ["jobs-a", "jobs-b", "jobs-c"]
slim = next(iter(batch.list_jobs(filter=mine, select=["id", "priority"])))
assert dict(slim.items()) == {"id": "jobs-a", "priority": 100}

batch.update_job("jobs-a", models.BatchJobUpdateOptions(priority=7))
found = batch.get_job("jobs-a")
assert found.priority == 7 and found.constraints.max_task_retry_count == 1
batch.update_job(
    "jobs-a",
    models.BatchJobUpdateOptions(
        constraints=models.BatchJobConstraints(max_wall_clock_time=timedelta(hours=1))
    ),
)
found = batch.get_job("jobs-a")
assert found.constraints.max_wall_clock_time == timedelta(hours=1)
assert found.constraints.max_task_retry_count == 0
found.priority = -5
batch.replace_job("jobs-a", found)
found = batch.get_job("jobs-a")
assert found.priority == -5 and found.pool_info.pool_id == "jobs"

# Disable: a running task goes back to the queue; enable: it runs again.
batch.create_task("jobs-a", task("waits", "/bin/sleep 600"))
state(batch, "jobs-a", "waits", "running")
batch.begin_disable_job(
    "jobs-a", models.BatchJobDisableOptions(disable_tasks="requeue"), polling_interval=POLL
).result()
assert batch.get_job("jobs-a").state == "disabled"
again = state(batch, "jobs-a", "waits", "active")
assert again.execution_info.requeue_count == 1
batch.begin_enable_job("jobs-a", polling_interval=POLL).result()
assert batch.get_job("jobs-a").state == "active"
state(batch, "jobs-a", "waits", "running")

batch.begin_terminate_job("jobs-a", {"terminateReason": "enough"}, polling_interval=POLL).result()
found = batch.get_job("jobs-a")
assert found.state == "completed" and found.execution_info.end_time
assert found.execution_info.termination_reason == "enough"
ended = batch.get_task("jobs-a", "waits")
assert (ended.state, ended.execution_info.result) == ("completed", "failure")
assert ended.execution_info.failure_info.code == "TaskEnded"
refused(409, "JobCompleted", batch.create_task, "jobs-a", task("late"))
refused(409, "JobCompleted", batch.begin_terminate_job, "jobs-a", {"terminateReason": "again"})

# Completes by itself when its tasks are done and it was asked to.
batch.create_task("jobs-b", task("one"))
batch.create_task("jobs-b", task("two"))
batch.update_job("jobs-b", models.BatchJobUpdateOptions(all_tasks_complete_mode="terminatejob"))
until("the job is completed", lambda: batch.get_job("jobs-b").state == "completed")
assert batch.get_job("jobs-b").execution_info.termination_reason == "AllTasksComplete"

counts = batch.get_job_task_counts("jobs-b")
assert (counts.task_counts.completed, counts.task_counts.succeeded) == (2, 2)
assert counts.task_slot_counts.completed == 2

# A job of an absent pool is fine; its tasks wait.
job(batch, "jobs-d", "not-there-yet")
batch.create_task("jobs-d", task("waits"))
assert batch.get_task("jobs-d", "waits").state == "active"

refused(409, "JobExists", job, batch, "jobs-c", "jobs")
refused(404, "JobNotFound", batch.get_job, "jobs-none")
refused(404, "JobNotFound", batch.get_job_task_counts, "jobs-none")
for each in ("jobs-a", "jobs-b", "jobs-c", "jobs-d"):
    batch.begin_delete_job(each, polling_interval=POLL).result()
    refused(404, "JobNotFound", batch.get_job, each)
batch.begin_delete_pool("jobs", polling_interval=POLL).result()
print("ok jobs")
