"""Pools that size themselves: on, off, evaluated, and what is wrong with a formula."""

from datetime import timedelta

from azure.batch import models
from service import POLL, client, pool, refused, until

batch = client()


def nodes():
    return len(list(batch.list_nodes("autoscale", select=["id"])))


def formula(text):
    return models.BatchPoolEvaluateAutoScaleOptions(auto_scale_formula=text)


pool(batch, "autoscale", nodes=1)
refused(
    409,
    "OperationInvalidForCurrentState",
    batch.evaluate_pool_auto_scale,
    "autoscale",
    formula("x=1;"),
)
refused(
    400,
    "AutoScalingFormulaSyntaxError",
    batch.enable_pool_auto_scale,
    "autoscale",
    models.BatchPoolEnableAutoScaleOptions(auto_scale_formula="$TargetDedicatedNodes = ;"),
)
assert not batch.get_pool("autoscale").enable_auto_scale

batch.enable_pool_auto_scale(
    "autoscale",
    models.BatchPoolEnableAutoScaleOptions(
        auto_scale_formula="$TargetDedicatedNodes = min(2, 10); $NodeDeallocationOption = requeue;",
        auto_scale_evaluation_interval=timedelta(minutes=7),
    ),
)
found = until(
    "the formula is followed",
    lambda: (
        (p := batch.get_pool("autoscale")).allocation_state == "steady"
        and p.current_dedicated_nodes == 2
        and p
    ),
)
assert found.enable_auto_scale and found.auto_scale_evaluation_interval == timedelta(minutes=7)
assert found.auto_scale_formula.startswith("$TargetDedicatedNodes = min(2, 10)")
assert found.auto_scale_run.error is None and found.auto_scale_run.timestamp
assert "$TargetDedicatedNodes=2" in found.auto_scale_run.results, found.auto_scale_run.results
until("two nodes", lambda: nodes() == 2)

# An evaluation changes nothing.
run = batch.evaluate_pool_auto_scale(
    "autoscale", formula("tasks = 3 + 4; $TargetDedicatedNodes = tasks * 2;")
)
results = dict(part.split("=") for part in run.results.split(";") if part)
assert results["$TargetDedicatedNodes"] == "14" and results["tasks"] == "7", run.results
assert run.error is None and run.timestamp.tzinfo
run = batch.evaluate_pool_auto_scale("autoscale", formula("$TargetDedicatedNodes = 1 / 0;"))
assert run.error is not None or run.results, run
refused(
    400,
    "AutoScalingFormulaSyntaxError",
    batch.evaluate_pool_auto_scale,
    "autoscale",
    formula("$TargetDedicatedNodes = nonsense("),
)
refused(
    400, "AutoScaleFormulaTooLong", batch.evaluate_pool_auto_scale, "autoscale", formula("a=1;" * 3000)
)
assert batch.get_pool("autoscale").target_dedicated_nodes == 2

# Who sizes itself is not resized by hand.
refused(
    409,
    "OperationNotValidOnPool",
    batch.begin_resize_pool,
    "autoscale",
    models.BatchPoolResizeOptions(target_dedicated_nodes=1),
)
batch.disable_pool_auto_scale("autoscale")
found = batch.get_pool("autoscale")
assert not found.enable_auto_scale and found.auto_scale_formula is None
assert found.target_dedicated_nodes == 2
batch.begin_resize_pool(
    "autoscale", models.BatchPoolResizeOptions(target_dedicated_nodes=1), polling_interval=POLL
).result()
assert batch.get_pool("autoscale").current_dedicated_nodes == 1

# Created so.
refused(
    400,
    "InvalidPropertyValue",
    pool,
    batch,
    "autoscale-b",
    nodes=3,
    enable_auto_scale=True,
    auto_scale_formula="$TargetDedicatedNodes = 0;",
)
batch.begin_delete_pool("autoscale", polling_interval=POLL).result()
print("ok autoscale")
