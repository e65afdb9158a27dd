"""Nodes: list, read, count, their files; the images they can have."""

from azure.batch import models
from service import POLL, client, job, pool, refused, state, task

batch = client()

images = list(batch.list_supported_images())
assert any(i.image_reference.offer == "ubuntu-24_04-lts" and i.os_type == "linux" for i in images)
verified = list(batch.list_supported_images(filter="verificationType eq 'verified'"))
assert verified and all(i.verification_type == "verified" for i in verified)
assert sum(len(list(page)) for page in batch.list_supported_images(max_results=2).by_page()) == len(
    images
)

pool(
    batch,
    "nodes",
    nodes=2,
    start_task=models.BatchStartTask(
        command_line="/bin/sh -c 'echo started on $AZ_BATCH_NODE_ID'", wait_for_success=True
    ),
)
nodes = list(batch.list_nodes("nodes"))
assert len(nodes) == 2 and nodes[0].id < nodes[1].id
for node in nodes:
    assert (node.state, node.scheduling_state) == ("idle", "enabled")
    assert node.is_dedicated and node.vm_size == "standard_d2s_v3"
    assert node.affinity_id and node.ip_address and node.node_agent_info.version
    assert (node.total_tasks_run, node.running_tasks_count) == (0, 0)
    info = node.start_task_info
    assert (info.state, info.exit_code, info.result, info.retry_count) == (
        "completed",
        0,
        "success",
        0,
    )
    assert info.start_time <= info.end_time
    read = batch.get_node("nodes", node.id)
    assert (read.id, read.url) == (node.id, node.url)
    said = b"".join(batch.download_node_file("nodes", node.id, "startup/stdout.txt"))
    assert said == f"started on {node.id}\n".encode(), said
    names = {f.name for f in batch.list_node_files("nodes", node.id)}
    assert {"startup", "shared", "workitems"} <= names, names
    names = {f.name for f in batch.list_node_files("nodes", node.id, recursive=True)}
    assert "startup/stdout.txt" in names, names
    about = batch.get_node_file_properties("nodes", node.id, "startup/stdout.txt")
    assert int(about.content_length) == len(said)

assert [n.id for n in batch.list_nodes("nodes", filter="state eq 'idle'", max_results=1)] == [
    n.id for n in nodes
]
assert not list(batch.list_nodes("nodes", filter="state eq 'running'"))
slim = next(iter(batch.list_nodes("nodes", select=["id"])))
assert dict(slim.items()) == {"id": nodes[0].id}

counts = {c.pool_id: c for c in batch.list_pool_node_counts(filter="poolId eq 'nodes'")}
assert set(counts) == {"nodes"}
assert (counts["nodes"].dedicated.idle, counts["nodes"].dedicated.total) == (2, 2)
assert counts["nodes"].low_priority.total == 0

job(batch, "nodes-job", "nodes")
batch.create_task("nodes-job", task("sleeps", "/bin/sleep 600"))
running = state(batch, "nodes-job", "sleeps", "running")
node = batch.get_node("nodes", running.node_info.node_id)
assert (node.state, node.running_tasks_count) == ("running", 1)
assert node.recent_tasks[0].task_id == "sleeps"
batch.begin_terminate_job(
    "nodes-job", {"terminateReason": "enough"}, polling_interval=POLL
).result()

refused(404, "NodeNotFound", batch.get_node, "nodes", "tvm-none")
refused(404, "PoolNotFound", lambda: list(batch.list_nodes("no-such-pool")))
refused(404, "FileNotFound", batch.download_node_file, "nodes", nodes[0].id, "startup/none.txt")
batch.begin_delete_job("nodes-job", polling_interval=POLL).result()
batch.begin_delete_pool("nodes", polling_interval=POLL).result()
print("ok nodes")
