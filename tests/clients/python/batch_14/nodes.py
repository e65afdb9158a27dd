"""Nodes: list, read, count, their files; the images they can have."""

from azure.batch import models
from service import client, gone, pool, refused

batch = client()
images = list(batch.account.list_supported_images())
assert any(i.os_type == models.OSType.linux for i in images)
pool(
    batch,
    "nodes",
    nodes=2,
    start_task=models.StartTask(
        command_line="/bin/sh -c 'echo hello from $AZ_BATCH_NODE_ID'", wait_for_success=True
    ),
)
nodes = list(batch.compute_node.list("nodes"))
assert len(nodes) == 2
for node in nodes:
    read = batch.compute_node.get("nodes", node.id)
    assert read.state == models.ComputeNodeState.idle and read.is_dedicated
    assert read.start_task_info.exit_code == 0
    assert read.start_task_info.result == models.TaskExecutionResult.success
    said = b"".join(batch.file.get_from_compute_node("nodes", node.id, "startup/stdout.txt"))
    assert said == f"hello from {node.id}\n".encode()
    names = [f.name for f in batch.file.list_from_compute_node("nodes", node.id, recursive=True)]
    assert "startup/stdout.txt" in names, names
options = models.ComputeNodeListOptions(filter="state eq 'idle'", select="id", max_results=1)
assert [n.id for n in batch.compute_node.list("nodes", options)] == [n.id for n in nodes]
options = models.AccountListPoolNodeCountsOptions(filter="poolId eq 'nodes'")
counts = list(batch.account.list_pool_node_counts(options))
assert len(counts) == 1 and (counts[0].dedicated.idle, counts[0].dedicated.total) == (2, 2)
refused(404, "NodeNotFound", batch.compute_node.get, "nodes", "none")
batch.pool.delete("nodes")
gone(batch.pool.get, "nodes")
print("ok nodes")
