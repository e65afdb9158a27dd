"""Preparation and release of a job on its nodes, and how they went."""

from azure.batch import models
from service import POLL, client, job, pool, refused, state, task, until

batch = client()
pool(batch, "prepared", nodes=2)


def prepared(job_id, command_line, **more):
    job(
        batch,
        job_id,
        "prepared",
        job_preparation_task=models.BatchJobPreparationTask(
            id="prepares", command_line=command_line, **more
        ),
        job_release_task=models.BatchJobReleaseTask(
            id="releases",
            command_line="/bin/sh -c 'echo released >> $AZ_BATCH_NODE_SHARED_DIR/releases'",
        ),
    )


def status(job_id, **more):
    return list(batch.list_job_preparation_and_release_task_status(job_id, **more))


prepared(
    "prepared-a",
    "/bin/sh -c 'echo ready > ready; echo $AZ_BATCH_JOB_PREP_WORKING_DIR'",
    wait_for_success=True,
)
found = batch.get_job("prepared-a")
assert found.job_preparation_task.id == "prepares" and found.job_release_task.id == "releases"
assert status("prepared-a") == []
refused(409, "TaskIdSameAsJobPreparationTask", batch.create_task, "prepared-a", task("prepares"))
refused(409, "TaskIdSameAsJobReleaseTask", batch.create_task, "prepared-a", task("releases"))

batch.create_task(
    "prepared-a", task("uses", "/bin/sh -c 'cat $AZ_BATCH_JOB_PREP_WORKING_DIR/ready'")
)
used = state(batch, "prepared-a", "uses")
assert b"".join(batch.download_task_file("prepared-a", "uses", "stdout.txt")) == b"ready\n"

[there] = status("prepared-a")
assert (there.pool_id, there.node_id) == ("prepared", used.node_info.node_id)
info = there.job_preparation_task_execution_info
assert (info.state, info.exit_code, info.result, info.retry_count) == (
    "completed",
    0,
    "success",
    0,
)
assert info.start_time <= info.end_time <= used.execution_info.end_time
assert info.task_root_directory == "workitems/prepared-a/job-1/prepares", info.task_root_directory
assert there.job_release_task_execution_info is None
path = f"{info.task_root_directory}/stdout.txt"
said = b"".join(batch.download_node_file("prepared", there.node_id, path))
assert said.strip().endswith(b"/prepares/wd"), said

batch.begin_terminate_job("prepared-a", {"terminateReason": "over"}, polling_interval=POLL).result()
[there] = status("prepared-a", filter="jobReleaseTaskExecutionInfo/result eq 'success'")
info = there.job_release_task_execution_info
assert (info.state, info.exit_code) == ("completed", 0) and info.end_time
released = b"".join(batch.download_node_file("prepared", there.node_id, "shared/releases"))
assert released == b"released\n", released
assert [list(s) for s in status("prepared-a", select=["nodeId"])] == [["nodeId"]]

# Where preparation fails no task of the job runs.
prepared("prepared-b", "/bin/sh -c 'exit 3'", wait_for_success=True)
batch.create_task("prepared-b", task("waits"))
until(
    "both nodes have tried",
    lambda: [
        s.job_preparation_task_execution_info.exit_code
        for s in status("prepared-b", filter="jobPreparationTaskExecutionInfo/state eq 'completed'")
    ]
    == [3, 3],
)
assert batch.get_task("prepared-b", "waits").state == "active"

job(batch, "prepared-c", "prepared")
refused(409, "JobPreparationTaskNotSpecified", status, "prepared-c")
refused(404, "JobNotFound", status, "prepared-none")
for each in ("prepared-a", "prepared-b", "prepared-c"):
    batch.begin_delete_job(each, polling_interval=POLL).result()
batch.begin_delete_pool("prepared", polling_interval=POLL).result()
print("ok preparation")
