"""Job schedules: every verb, and the jobs they make."""

from datetime import datetime, timedelta, timezone

from azure.batch import models
from service import POLL, client, job, pool, refused, task, until

batch = client()
pool(batch, "schedules")


def specification(**more):
    return models.BatchJobSpecification(
        pool_info=models.BatchPoolInfo(pool_id="schedules"),
        job_manager_task=models.BatchJobManagerTask(
            id="manager", command_line="/bin/sh -c 'echo managed'"
        ),
        **more,
    )


def schedule(schedule_id, job_specification=None, **when):
    batch.create_job_schedule(
        models.BatchJobScheduleCreateOptions(
            id=schedule_id,
            schedule=models.BatchJobScheduleConfiguration(**when),
            job_specification=job_specification or specification(),
            metadata=[models.BatchMetadataItem(name="k", value="v")],
        )
    )


later = datetime(2099, 1, 1, tzinfo=timezone.utc)
schedule("schedules-a", specification(priority=5), recurrence_interval=timedelta(hours=1))
schedule("schedules-b", do_not_run_until=later)
refused(409, "JobScheduleExists", schedule, "schedules-a")
refused(
    400,
    "InvalidPropertyValue",
    schedule,
    "schedules-c",
    recurrence_interval=timedelta(seconds=10),
)
refused(404, "JobScheduleNotFound", batch.get_job_schedule, "schedules-none")
assert batch.job_schedule_exists("schedules-a")

found = until(
    "the first job",
    lambda: (s := batch.get_job_schedule("schedules-a")).execution_info.recent_job and s,
)
assert found.state == "active" and found.execution_info.recent_job.id == "schedules-a:job-1"
assert found.execution_info.next_run_time > datetime.now(timezone.utc)
assert found.schedule.recurrence_interval == timedelta(hours=1)
assert found.job_specification.priority == 5 and found.etag.startswith("0x")
made = until(
    "the job's end",
    lambda: (j := batch.get_job("schedules-a:job-1")).state == "completed" and j,
)
assert made.execution_info.termination_reason == "JMComplete" and made.priority == 5
said = b"".join(batch.download_task_file("schedules-a:job-1", "manager", "stdout.txt"))
assert said == b"managed\n", said
assert [j.id for j in batch.list_jobs_from_schedule("schedules-a")] == ["schedules-a:job-1"]
slim = next(iter(batch.list_jobs_from_schedule("schedules-a", select=["id"])))
assert dict(slim.items()) == {"id": "schedules-a:job-1"}
assert not list(batch.list_jobs_from_schedule("schedules-b"))

mine = "startswith(id,'schedules-')"
ids = [s.id for s in batch.list_job_schedules(filter=mine, max_results=1)]
assert ids == ["schedules-a", "schedules-b"], ids
ids = [s.id for s in batch.list_job_schedules(filter=f"state eq 'completed' and {mine}")]
assert not ids, ids
slim = next(iter(batch.list_job_schedules(filter=mine, select=["id", "state"])))
assert dict(slim.items()) == {"id": "schedules-a", "state": "active"}

batch.disable_job_schedule("schedules-b")
assert batch.get_job_schedule("schedules-b").state == "disabled"
batch.enable_job_schedule("schedules-b")
found = batch.get_job_schedule("schedules-b")
assert found.state == "active" and found.execution_info.next_run_time == later

batch.update_job_schedule(
    "schedules-b",
    models.BatchJobScheduleUpdateOptions(
        metadata=[models.BatchMetadataItem(name="k", value="w")],
        job_specification=specification(priority=7),
    ),
)
found = batch.get_job_schedule("schedules-b")
assert found.metadata[0].value == "w" and found.job_specification.priority == 7
assert found.schedule.do_not_run_until == later
found.schedule = models.BatchJobScheduleConfiguration(recurrence_interval=timedelta(hours=2))
found.job_specification.priority = 9
batch.replace_job_schedule("schedules-b", found)
found = batch.get_job_schedule("schedules-b")
assert found.schedule.recurrence_interval == timedelta(hours=2)
assert found.schedule.do_not_run_until is None
# It may run now.
until("its job", lambda: [j.priority for j in batch.list_jobs_from_schedule("schedules-b")] == [9])

batch.begin_terminate_job_schedule("schedules-b", polling_interval=POLL).result()
found = batch.get_job_schedule("schedules-b")
assert found.state == "completed" and found.execution_info.end_time
until(
    "its jobs are over",
    lambda: all(j.state == "completed" for j in batch.list_jobs_from_schedule("schedules-b")),
)
refused(409, "JobScheduleCompleted", batch.disable_job_schedule, "schedules-b")
refused(409, "JobScheduleCompleted", batch.begin_terminate_job_schedule, "schedules-b")

# A schedule goes with its jobs.
for each in ("schedules-a", "schedules-b"):
    batch.begin_delete_job_schedule(each, polling_interval=POLL).result()
    refused(404, "JobScheduleNotFound", batch.get_job_schedule, each)
refused(404, "JobNotFound", batch.get_job, "schedules-a:job-1")
batch.begin_delete_pool("schedules", polling_interval=POLL).result()
print("ok schedules")
