"""Preparation and release of a job on its nodes, and how they went."""

from azure.batch import models
from service import client, gone, job, pool, refused, state, task, until

batch = client()
pool(batch, "prepared")


def status(job_id, **more):
    options = models.JobListPreparationAndReleaseTaskStatusOptions(**more)
    return list(batch.job.list_preparation_and_release_task_status(job_id, options))


job(
    batch,
    "prepared",
    "prepared",
    job_preparation_task=models.JobPreparationTask(command_line="/bin/sh -c 'echo ready > ready'"),
    job_release_task=models.JobReleaseTask(command_line="/bin/sh -c 'exit 4'"),
)
found = batch.job.get("prepared")
assert found.job_preparation_task.id == "jobpreparation"
assert found.job_preparation_task.wait_for_success and found.job_release_task.id == "jobrelease"
assert status("prepared") == []
batch.task.add(
    "prepared", task("uses", "/bin/sh -c 'cat $AZ_BATCH_JOB_PREP_WORKING_DIR/ready'")
)
state(batch, "prepared", "uses")
assert b"".join(batch.file.get_from_task("prepared", "uses", "stdout.txt")) == b"ready\n"
[there] = status("prepared")
info = there.job_preparation_task_execution_info
assert info.state == models.JobPreparationTaskState.completed
assert (info.exit_code, info.result) == (0, models.TaskExecutionResult.success)

# A job completes also when its release fails.
batch.job.terminate("prepared")
until("the end", lambda: batch.job.get("prepared").state == models.JobState.completed)
[there] = status("prepared", filter="jobReleaseTaskExecutionInfo/exitCode eq 4")
info = there.job_release_task_execution_info
assert info.state == models.JobReleaseTaskState.completed
assert info.result == models.TaskExecutionResult.failure
assert info.failure_info.code == "FailureExitCode"

job(batch, "unprepared", "prepared")
refused(409, "JobPreparationTaskNotSpecified", status, "unprepared")
for each in ("prepared", "unprepared"):
    batch.job.delete(each)
    gone(batch.job.get, each)
batch.pool.delete("prepared")
gone(batch.pool.get, "prepared")
print("ok preparation")
