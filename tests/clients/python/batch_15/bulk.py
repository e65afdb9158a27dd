"""A thousand tasks at once, some of which cannot be added."""

from azure.batch import models
from service import POLL, client, job, pool, refused, task, until

batch = client()
job(batch, "bulk", "bulk")
for taken in ("t-0007", "t-0500", "t-0999"):
    batch.create_task("bulk", task(taken, "/bin/echo first"))

# The client takes TaskExists for success: its own repeated request may have added it.
thousand = [task(f"t-{n:04}") for n in range(1000)]
batch.create_tasks("bulk", thousand, max_concurrency=4)
assert batch.get_task("bulk", "t-0500").command_line == "/bin/echo first"

# What the service says of each.
result = batch.create_task_collection(
    "bulk", models.BatchTaskGroup(task_values=[task("t-0007"), task("new"), task("b/d")])
)
by_id = {r.task_id: r for r in result.result_values}
assert set(by_id) == {"t-0007", "new", "b/d"}
assert by_id["new"].status == "Success" and by_id["new"].etag.startswith("0x")
assert by_id["new"].location.endswith("/jobs/bulk/tasks/new")
assert by_id["t-0007"].status == "ClientError" and by_id["t-0007"].error.code == "TaskExists"
assert by_id["b/d"].status == "ClientError"
assert by_id["b/d"].error.code == "InvalidPropertyValue", by_id["b/d"].error.code
batch.delete_task("bulk", "new")

counts = batch.get_job_task_counts("bulk").task_counts
assert (counts.active, counts.completed) == (1000, 0)
pages = [len(list(page)) for page in batch.list_tasks("bulk", max_results=300).by_page()]
assert pages == [300, 300, 300, 100], pages
ids = [t.id for t in batch.list_tasks("bulk", select=["id"])]
assert ids == [t.id for t in thousand]
ids = [t.id for t in batch.list_tasks("bulk", filter="startswith(id,'t-099')", max_results=3)]
assert ids == [f"t-{n:04}" for n in range(990, 1000)], ids

# More than the limits of one request.
refused(
    413,
    "RequestBodyTooLarge",
    batch.create_task_collection,
    "bulk",
    models.BatchTaskGroup(
        task_values=[task(f"big-{n}", "/bin/echo " + "x" * 30_000) for n in range(60)]
    ),
)
# The client halves what is too large until it fits.
batch.create_tasks("bulk", [task(f"big-{n}", "/bin/echo " + "x" * 30_000) for n in range(60)])
assert len(list(batch.list_tasks("bulk", filter="startswith(id,'big-')", select=["id"]))) == 60

# They all run once there are nodes for them.
pool(batch, "bulk", nodes=2, task_slots_per_node=4)
until(
    "all tasks are completed",
    lambda: batch.get_job_task_counts("bulk").task_counts.completed == 1060,
    seconds=120,
)
assert batch.get_job_task_counts("bulk").task_counts.failed == 0
batch.begin_delete_job("bulk", polling_interval=POLL).result()
batch.begin_delete_pool("bulk", polling_interval=POLL).result()
print("ok bulk")
