"""What the service refuses, and how it says so."""

from azure.batch import models
from service import client, gone, job, pool, refused, task

batch = client()
wrong = client(key="d3Jvbmcga2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMhISE=")
refused(403, "AuthenticationFailed", lambda: list(wrong.job.list()))
other = client(account="somebodyelse")
refused(403, "AuthenticationFailed", lambda: list(other.job.list()))

pool(batch, "errors", nodes=0)
job(batch, "errors", "errors")
refused(409, "PoolExists", pool, batch, "errors", nodes=0)
refused(409, "JobExists", job, batch, "errors", "errors")
refused(404, "PoolNotFound", batch.pool.get, "none")
refused(404, "JobNotFound", batch.job.get, "none")
refused(404, "TaskNotFound", batch.task.get, "errors", "none")
refused(400, "InvalidPropertyValue", batch.task.add, "errors", task("sp ace"))
values = refused(
    400,
    "InvalidQueryParameterValue",
    lambda: list(batch.task.list("errors", models.TaskListOptions(filter="nonsense"))),
)
assert values["QueryParameterName"] == "$filter" and values["QueryParameterValue"] == "nonsense"
batch.job.delete("errors")
gone(batch.job.get, "errors")
batch.pool.delete("errors")
gone(batch.pool.get, "errors")
print("ok errors")
