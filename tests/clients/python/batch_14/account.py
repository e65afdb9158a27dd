"""What belongs to the account: images, usage, applications."""

from datetime import datetime, timedelta, timezone

from azure.batch import models
from service import client, refused

batch = client()
options = models.AccountListSupportedImagesOptions(filter="osType eq 'linux'", max_results=1)
images = list(batch.account.list_supported_images(options))
assert images and all(i.os_type == models.OSType.linux for i in images)
assert all(i.verification_type == models.VerificationType.verified for i in images)
now = datetime.now(timezone.utc)
assert list(batch.pool.list_usage_metrics()) == []
options = models.PoolListUsageMetricsOptions(start_time=now - timedelta(days=1), end_time=now)
assert list(batch.pool.list_usage_metrics(options)) == []
assert list(batch.application.list()) == []
refused(404, "ApplicationNotFound", batch.application.get, "none")
print("ok account")
