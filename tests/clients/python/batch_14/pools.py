"""Pools: create, read, list, patch, replace, resize, delete."""

from datetime import timedelta

from azure.batch import models
from service import client, gone, job, pool, refused, state, task, until

batch = client()
pool(
    batch,
    "pools-a",
    nodes=2,
    task_slots_per_node=2,
    task_scheduling_policy=models.TaskSchedulingPolicy(node_fill_type="pack"),
    metadata=[models.MetadataItem(name="team", value="blue")],
    start_task=models.StartTask(command_line="/bin/true", wait_for_success=True),
)
for other in ("pools-b", "pools-c"):
    pool(batch, other, nodes=0)

found = batch.pool.get("pools-a")
assert found.state == models.PoolState.active
assert found.allocation_state == models.AllocationState.steady
assert (found.current_dedicated_nodes, found.target_dedicated_nodes) == (2, 2)
assert found.task_scheduling_policy.node_fill_type == models.ComputeNodeFillType.pack
assert found.resize_timeout == timedelta(minutes=15)
assert found.start_task.wait_for_success and found.start_task.max_task_retry_count == 0
assert batch.pool.exists("pools-a") and not batch.pool.exists("pools-none")

mine = "startswith(id,'pools-')"
listed = batch.pool.list(models.PoolListOptions(filter=mine, max_results=1))
assert [p.id for p in listed] == ["pools-a", "pools-b", "pools-c"]
slim = next(iter(batch.pool.list(models.PoolListOptions(filter=mine, select="id,state"))))
assert slim.id == "pools-a" and slim.vm_size is None
dedicated = batch.pool.get("pools-a", models.PoolGetOptions(select="currentDedicatedNodes"))
assert dedicated.current_dedicated_nodes == 2 and dedicated.id is None

batch.pool.patch(
    "pools-a",
    models.PoolPatchParameter(metadata=[models.MetadataItem(name="team", value="red")]),
    models.PoolPatchOptions(if_match=found.e_tag),
)
refused(
    412,
    "ConditionNotMet",
    batch.pool.patch,
    "pools-a",
    models.PoolPatchParameter(metadata=[]),
    models.PoolPatchOptions(if_match=found.e_tag),
)
assert batch.pool.get("pools-a").metadata[0].value == "red"
batch.pool.update_properties(
    "pools-a",
    models.PoolUpdatePropertiesParameter(
        certificate_references=[], application_package_references=[], metadata=[]
    ),
)
assert batch.pool.get("pools-a").start_task is None

batch.pool.resize("pools-a", models.PoolResizeParameter(target_dedicated_nodes=1))
until(
    "the pool is steady with one node",
    lambda: (
        batch.pool.get("pools-a").allocation_state == models.AllocationState.steady
        and batch.pool.get("pools-a").current_dedicated_nodes == 1
    ),
)

# A pool that waits for a task is being resized, until that is stopped.
job(batch, "pools-job", "pools-a")
batch.task.add("pools-job", task("long", "/bin/sleep 600"))
state(batch, "pools-job", "long", models.TaskState.running)
none = models.PoolResizeParameter(
    target_dedicated_nodes=0,
    node_deallocation_option=models.ComputeNodeDeallocationOption.task_completion,
)
batch.pool.resize("pools-a", none)
refused(409, "PoolBeingResized", batch.pool.resize, "pools-a", none)
batch.pool.stop_resize("pools-a")
until(
    "the resize is stopped",
    lambda: batch.pool.get("pools-a").allocation_state == models.AllocationState.steady,
)
assert batch.pool.get("pools-a").current_dedicated_nodes == 1
batch.job.delete("pools-job")
gone(batch.job.get, "pools-job")
for each in ("pools-a", "pools-b", "pools-c"):
    batch.pool.delete(each)
    gone(batch.pool.get, each)
refused(404, "PoolNotFound", batch.pool.delete, "pools-a")
print("ok pools")
