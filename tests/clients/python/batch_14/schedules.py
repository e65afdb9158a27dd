"""Job schedules: every verb, and the jobs they make."""

from datetime import datetime, timedelta, timezone

from azure.batch import models
from service import client, gone, pool, refused, until

batch = client()
pool(batch, "schedules")
later = datetime(2099, 1, 1, tzinfo=timezone.utc)


def specification(priority=0):
    return models.JobSpecification(
        pool_info=models.PoolInformation(pool_id="schedules"),
        job_manager_task=models.JobManagerTask(id="manager", command_line="/bin/true"),
        priority=priority,
    )


def schedule(schedule_id, **when):
    batch.job_schedule.add(
        models.JobScheduleAddParameter(
            id=schedule_id, schedule=models.Schedule(**when), job_specification=specification()
        )
    )


schedule("schedules-a", recurrence_interval=timedelta(hours=1))
schedule("schedules-b", do_not_run_until=later)
refused(409, "JobScheduleExists", schedule, "schedules-a", recurrence_interval=timedelta(hours=1))
assert batch.job_schedule.exists("schedules-a") and not batch.job_schedule.exists("schedules-none")
found = until(
    "the first job",
    lambda: (s := batch.job_schedule.get("schedules-a")).execution_info.recent_job and s,
)
assert found.state == models.JobScheduleState.active
assert found.execution_info.recent_job.id == "schedules-a:job-1"
assert found.execution_info.next_run_time > datetime.now(timezone.utc)
until("the job's end", lambda: batch.job.get("schedules-a:job-1").state == models.JobState.completed)
assert [j.id for j in batch.job.list_from_job_schedule("schedules-a")] == ["schedules-a:job-1"]
options = models.JobScheduleListOptions(
    filter="startswith(id,'schedules-')", select="id", max_results=1
)
assert [s.id for s in batch.job_schedule.list(options)] == ["schedules-a", "schedules-b"]

batch.job_schedule.disable("schedules-b")
assert batch.job_schedule.get("schedules-b").state == models.JobScheduleState.disabled
batch.job_schedule.enable("schedules-b")
batch.job_schedule.patch(
    "schedules-b",
    models.JobSchedulePatchParameter(metadata=[models.MetadataItem(name="k", value="v")]),
)
found = batch.job_schedule.get("schedules-b")
assert found.metadata[0].value == "v" and found.schedule.do_not_run_until == later
batch.job_schedule.update(
    "schedules-b",
    models.JobScheduleUpdateParameter(
        schedule=models.Schedule(recurrence_interval=timedelta(hours=2)),
        job_specification=specification(priority=9),
    ),
)
found = batch.job_schedule.get("schedules-b")
assert found.job_specification.priority == 9 and not found.metadata
until(
    "its job",
    lambda: [j.priority for j in batch.job.list_from_job_schedule("schedules-b")] == [9],
)
batch.job_schedule.terminate("schedules-b")
until(
    "its end",
    lambda: batch.job_schedule.get("schedules-b").state == models.JobScheduleState.completed,
)
refused(409, "JobScheduleCompleted", batch.job_schedule.disable, "schedules-b")
for each in ("schedules-a", "schedules-b"):
    batch.job_schedule.delete(each)
    gone(batch.job_schedule.get, each)
refused(404, "JobNotFound", batch.job.get, "schedules-a:job-1")
batch.pool.delete("schedules")
gone(batch.pool.get, "schedules")
print("ok schedules")
