"""A task on several nodes at once, and its subtasks."""

from azure.batch import models
from service import client, gone, job, pool, refused, state, task

batch = client()
pool(batch, "multi", nodes=2, enable_inter_node_communication=True)
job(batch, "multi", "multi")
batch.task.add(
    "multi",
    task(
        "both",
        multi_instance_settings=models.MultiInstanceSettings(
            number_of_instances=2, coordination_command_line="/bin/true"
        ),
    ),
)
ran = state(batch, "multi", "both")
assert ran.execution_info.result == models.TaskExecutionResult.success
[other] = batch.task.list_subtasks("multi", "both").value
assert (other.id, other.state, other.exit_code) == (1, models.SubtaskState.completed, 0)
assert other.node_info.node_id != ran.node_info.node_id
refused(404, "TaskNotFound", batch.task.list_subtasks, "multi", "none")
batch.job.delete("multi")
gone(batch.job.get, "multi")
batch.pool.delete("multi")
gone(batch.pool.get, "multi")
print("ok multi_instance")
