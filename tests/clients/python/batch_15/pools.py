"""Pools: create, read, list, patch, replace, resize, delete."""

from datetime import timedelta

from azure.batch import models
from azure.core import MatchConditions
from service import POLL, client, job, pool, refused, state, task, until

batch = client()

pool(
    batch,
    "pools-a",
    nodes=2,
    display_name="first",
    task_slots_per_node=2,
    resize_timeout=timedelta(minutes=10),
    metadata=[models.BatchMetadataItem(name="team", value="blue")],
    start_task=models.BatchStartTask(command_line="/bin/sh -c 'echo hello'", wait_for_success=True),
    user_accounts=[models.UserAccount(name="worker", password="not-told-again")],
)
for other in ("pools-b", "pools-c"):
    pool(batch, other, nodes=0)

found = batch.get_pool("pools-a")
assert (found.state, found.allocation_state) == ("active", "steady")
assert (found.current_dedicated_nodes, found.target_dedicated_nodes) == (2, 2)
assert (found.current_low_priority_nodes, found.target_low_priority_nodes) == (0, 0)
assert (found.display_name, found.task_slots_per_node) == ("first", 2)
assert found.resize_timeout == timedelta(minutes=10)
assert found.task_scheduling_policy.node_fill_type == "Spread"
assert found.virtual_machine_configuration.image_reference.version == "latest"
assert found.start_task.command_line == "/bin/sh -c 'echo hello'"
assert found.start_task.user_identity.auto_user.elevation_level == "nonadmin"
assert found.start_task.max_task_retry_count == 0
assert [(m.name, m.value) for m in found.metadata] == [("team", "blue")]
assert found.user_accounts[0].name == "worker" and not found.user_accounts[0].password
assert found.url.endswith("/pools/pools-a") and found.etag.startswith("0x")
assert found.creation_time.tzinfo and found.last_modified == found.creation_time
assert batch.get_pool("POOLS-A").id == "pools-a"
assert batch.pool_exists("pools-a")

mine = "startswith(id,'pools-')"
ids = [p.id for p in batch.list_pools(filter=mine)]
assert ids == ["pools-a", "pools-b", "pools-c"], ids
ids = [p.id for p in batch.list_pools(filter=mine, max_results=1)]
assert ids == ["pools-a", "pools-b", "pools-c"], ids
pages = [len(list(page)) for page in batch.list_pools(filter=mine, max_results=2).by_page()]
assert pages == [2, 1], pages
ids = [p.id for p in batch.list_pools(filter="state eq 'active' and id ne 'pools-b' and " + mine)]
assert ids == ["pools-a", "pools-c"], ids
slim = next(iter(batch.list_pools(filter="id eq 'pools-a'", select=["id", "state"])))
assert dict(slim.items()) == {"id": "pools-a", "state": "active"}, dict(slim.items())
slim = batch.get_pool("pools-a", select=["id", "currentDedicatedNodes"])
assert slim.vm_size is None and slim.current_dedicated_nodes == 2

etag = found.etag
batch.update_pool(
    "pools-a",
    models.BatchPoolUpdateOptions(metadata=[models.BatchMetadataItem(name="team", value="red")]),
    etag=etag,
    match_condition=MatchConditions.IfNotModified,
)
found = batch.get_pool("pools-a")
assert [(m.name, m.value) for m in found.metadata] == [("team", "red")]
assert found.start_task is not None and found.etag != etag
refused(
    412,
    "ConditionNotMet",
    batch.update_pool,
    "pools-a",
    models.BatchPoolUpdateOptions(metadata=[]),
    etag=etag,
    match_condition=MatchConditions.IfNotModified,
)
refused(
    304,
    None,
    batch.get_pool,
    "pools-a",
    etag=found.etag,
    match_condition=MatchConditions.IfModified,
)

batch.replace_pool_properties(
    "pools-a", models.BatchPoolReplaceOptions(application_package_references=[], metadata=[])
)
found = batch.get_pool("pools-a")
assert found.start_task is None and not found.metadata

batch.begin_resize_pool(
    "pools-a", models.BatchPoolResizeOptions(target_dedicated_nodes=3), polling_interval=POLL
).result()
found = batch.get_pool("pools-a")
assert (found.allocation_state, found.current_dedicated_nodes) == ("steady", 3)
batch.begin_resize_pool(
    "pools-a",
    models.BatchPoolResizeOptions(target_dedicated_nodes=1, node_deallocation_option="terminate"),
    polling_interval=POLL,
).result()
until("one node is left", lambda: len(list(batch.list_nodes("pools-a"))) == 1)

# A pool that waits for a task is being resized, until that is stopped.
job(batch, "pools-job", "pools-a")
batch.create_task("pools-job", task("long", "/bin/sleep 600"))
state(batch, "pools-job", "long", "running")
none = models.BatchPoolResizeOptions(
    target_dedicated_nodes=0, node_deallocation_option="taskcompletion"
)
resized = batch.begin_resize_pool("pools-a", none, polling_interval=POLL)
found = batch.get_pool("pools-a")
assert (found.allocation_state, found.target_dedicated_nodes) == ("resizing", 0)
refused(409, "PoolBeingResized", batch.begin_resize_pool, "pools-a", none)
batch.begin_stop_pool_resize("pools-a", polling_interval=POLL).result()
found = batch.get_pool("pools-a")
assert (found.allocation_state, found.current_dedicated_nodes) == ("steady", 1)
resized.result()
assert batch.get_task("pools-job", "long").state == "running"

batch.update_pool(
    "pools-b",
    models.BatchPoolUpdateOptions(
        display_name="second",
        task_slots_per_node=2,
        task_scheduling_policy=models.BatchTaskSchedulingPolicy(node_fill_type="pack"),
        start_task=models.BatchStartTask(command_line="/bin/true", max_task_retry_count=2),
    ),
)
found = batch.get_pool("pools-b")
assert (found.display_name, found.task_slots_per_node) == ("second", 2)
assert found.task_scheduling_policy.node_fill_type.lower() == "pack"
assert found.start_task.max_task_retry_count == 2 and found.vm_size == "standard_d2s_v3"

# A pool with a running task goes too; the job stays.
batch.begin_delete_pool("pools-a", polling_interval=POLL).result()
refused(404, "PoolNotFound", batch.get_pool, "pools-a")
assert batch.get_task("pools-job", "long").state == "active"
batch.begin_delete_job("pools-job", polling_interval=POLL).result()
for other in ("pools-b", "pools-c"):
    batch.begin_delete_pool(other, polling_interval=POLL).result()
assert not list(batch.list_pools(filter=mine))
print("ok pools")
