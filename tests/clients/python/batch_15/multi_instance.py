"""A task on several nodes at once, and its subtasks."""

from azure.batch import models
from service import POLL, client, job, pool, refused, state, task

batch = client()
pool(batch, "multi", nodes=2, enable_inter_node_communication=True)
job(batch, "multi", "multi")


def together(coordination, nodes=2):
    return models.MultiInstanceSettings(
        number_of_instances=nodes, coordination_command_line=coordination
    )


batch.create_task(
    "multi",
    task(
        "both",
        """/bin/sh -c 'echo "$AZ_BATCH_NODE_LIST"; echo "$AZ_BATCH_IS_CURRENT_NODE_MASTER"'""",
        multi_instance_settings=together("/bin/sh -c 'echo coordinated'"),
    ),
)
ran = state(batch, "multi", "both")
assert (ran.execution_info.exit_code, ran.execution_info.result) == (0, "success")
assert ran.multi_instance_settings.number_of_instances == 2
said = b"".join(batch.download_task_file("multi", "both", "stdout.txt")).decode().split("\n")
assert "true" in said and any(len(line.split(";")) == 2 for line in said), said

[other] = batch.list_subtasks("multi", "both")
assert (other.id, other.state, other.exit_code, other.result) == (1, "completed", 0, "success")
assert other.start_time <= other.end_time and other.failure_info is None
nodes = {n.id for n in batch.list_nodes("multi")}
assert {other.node_info.node_id, ran.node_info.node_id} == nodes
[slim] = batch.list_subtasks("multi", "both", select=["id", "state"])
assert dict(slim.items()) == {"id": 1, "state": "completed"}

# Where coordination fails, the task does.
batch.create_task(
    "multi", task("fails", multi_instance_settings=together("/bin/sh -c 'exit 5'"))
)
ran = state(batch, "multi", "fails")
assert ran.execution_info.result == "failure" and ran.execution_info.failure_info

batch.create_task("multi", task("alone"))
state(batch, "multi", "alone")
assert list(batch.list_subtasks("multi", "alone")) == []
refused(404, "TaskNotFound", lambda: list(batch.list_subtasks("multi", "none")))
batch.begin_delete_job("multi", polling_interval=POLL).result()
batch.begin_delete_pool("multi", polling_interval=POLL).result()
print("ok multi_instance")
