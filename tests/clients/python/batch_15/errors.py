"""What the service refuses, and how it says so."""

import os
from datetime import datetime, timedelta, timezone

from azure.batch import models
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError
from service import POLL, client, job, pool, refused, task

batch = client()
account = os.environ["AZURE_BATCH_ACCOUNT"]

# Who it is.
wrong = client(
    credential=AzureNamedKeyCredential(account, "d3Jvbmcga2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMhISE=")
)
values = refused(403, "AuthenticationFailed", lambda: list(wrong.list_pools()))
assert "AuthenticationErrorDetail" in values, values
other = client(
    credential=AzureNamedKeyCredential("somebodyelse", os.environ["AZURE_BATCH_ACCESS_KEY"])
)
refused(403, "AuthenticationFailed", lambda: list(other.list_pools()))
late = datetime.now(timezone.utc) - timedelta(minutes=20)
refused(403, "AuthenticationFailed", lambda: list(batch.list_pools(ocp_date=late)))

# Which version.
strange = client(api_version="2031-01-01")
refused(400, "UnsupportedRequestVersion", lambda: list(strange.list_pools()))
for known in (
    "2024-07-01.20.0",
    "2024-02-01.19.0",
    "2022-10-01.16.0",
    "2022-01-01.15.0",
    "2021-06-01.14.0",
):
    assert list(client(api_version=known).list_jobs(filter="startswith(id,'no-such')")) == []

# What.
refused(404, "PoolNotFound", batch.get_pool, "none")
refused(404, "PoolNotFound", batch.begin_delete_pool, "none")
refused(404, "JobNotFound", batch.create_task, "none", task("t"))
refused(404, "JobNotFound", lambda: list(batch.list_tasks("none")))
pool(batch, "errors", nodes=0)
refused(409, "PoolExists", pool, batch, "errors", nodes=0)

job(batch, "errors", "errors")
refused(404, "TaskNotFound", batch.get_task, "errors", "none")
for bad in ("", "sp ace", "sl/ash", "x" * 65, "ümlaut"):
    refused(400, "InvalidPropertyValue", batch.create_task, "errors", task(bad))
    refused(400, "InvalidPropertyValue", job, batch, bad, "errors")
refused(400, "OutOfRangePriority", job, batch, "errors-b", "errors", priority=5000)
values = refused(
    400,
    "InvalidPropertyValue",
    batch.begin_resize_pool,
    "errors",
    models.BatchPoolResizeOptions(target_dedicated_nodes=-1),
)
assert values["PropertyName"] == "targetDedicatedNodes", values
refused(
    400,
    "TaskDependenciesNotSpecifiedOnJob",
    batch.create_task,
    "errors",
    task("t", depends_on=models.BatchTaskDependencies(task_ids=["u"])),
)

# How.
values = refused(
    400, "InvalidQueryParameterValue", lambda: list(batch.list_tasks("errors", filter="id is 'x'"))
)
assert values["QueryParameterName"] == "$filter" and values["QueryParameterValue"] == "id is 'x'", (
    values
)
refused(
    400,
    "InvalidQueryParameterValue",
    lambda: list(batch.list_tasks("errors", filter="colour eq 'red'")),
)
refused(
    400, "OutOfRangeQueryParameterValue", lambda: list(batch.list_tasks("errors", max_results=1001))
)
refused(
    400, "OutOfRangeQueryParameterValue", lambda: list(batch.list_tasks("errors", max_results=0))
)
values = refused(
    400,
    "UnsupportedProperty",
    batch.create_job,
    {"id": "errors-c", "poolInfo": {"poolId": "p"}, "colour": "red"},
)
assert values["PropertyName"] == "colour", values
refused(400, "MissingRequiredProperty", batch.create_job, {"id": "errors-c"})
refused(
    400, "InvalidPropertyValue", batch.create_job, {"id": "errors-c", "poolInfo": {"poolId": 7}}
)

# A retry of what needs no retry would take a minute: the client retries what carries Retry-After.
try:
    batch.get_pool("none")
except HttpResponseError as error:
    assert "retry-after" not in error.response.headers
    assert error.response.headers["request-id"] in error.model.message.value
    assert error.response.headers["content-type"].startswith("application/json")

batch.begin_delete_job("errors", polling_interval=POLL).result()
batch.begin_delete_pool("errors", polling_interval=POLL).result()
print("ok errors")
