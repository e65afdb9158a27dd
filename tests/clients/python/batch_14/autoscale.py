"""Pools that size themselves: on, off, evaluated, and what is wrong with a formula."""

from datetime import timedelta

from azure.batch import models
from service import client, gone, pool, refused, until

batch = client()
pool(batch, "autoscale", nodes=0)
refused(
    409, "OperationInvalidForCurrentState", batch.pool.evaluate_auto_scale, "autoscale", "x = 1;"
)
refused(
    400, "AutoScalingFormulaSyntaxError", batch.pool.enable_auto_scale, "autoscale", "nonsense("
)
batch.pool.enable_auto_scale(
    "autoscale",
    auto_scale_formula="$TargetDedicatedNodes = 1 + 1;",
    auto_scale_evaluation_interval=timedelta(minutes=6),
)
found = until(
    "the formula is followed",
    lambda: (
        (p := batch.pool.get("autoscale")).allocation_state == models.AllocationState.steady
        and p.current_dedicated_nodes == 2
        and p
    ),
)
assert found.enable_auto_scale and found.auto_scale_evaluation_interval == timedelta(minutes=6)
assert "$TargetDedicatedNodes=2" in found.auto_scale_run.results
run = batch.pool.evaluate_auto_scale("autoscale", "$TargetDedicatedNodes = max(3, 4);")
assert "$TargetDedicatedNodes=4" in run.results and run.error is None, run.results
refused(
    409,
    "OperationNotValidOnPool",
    batch.pool.resize,
    "autoscale",
    models.PoolResizeParameter(target_dedicated_nodes=1),
)
batch.pool.disable_auto_scale("autoscale")
found = batch.pool.get("autoscale")
assert not found.enable_auto_scale and found.target_dedicated_nodes == 2
batch.pool.delete("autoscale")
gone(batch.pool.get, "autoscale")
print("ok autoscale")
