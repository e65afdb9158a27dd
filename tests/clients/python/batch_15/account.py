"""What belongs to the account: images, node counts, usage, applications."""

from datetime import datetime, timedelta, timezone

from azure.batch import models
from service import IMAGE, POLL, client, node_agent, pool, refused

batch = client()
linux = list(batch.list_supported_images(filter="osType eq 'linux'"))
assert linux and {i.os_type for i in linux} == {"linux"}
agent = node_agent(batch)
assert all(
    i.node_agent_sku_id == agent
    for i in batch.list_supported_images(filter=f"nodeAgentSKUId eq '{agent}'")
)
refused(
    400,
    "InvalidQueryParameterValue",
    lambda: list(batch.list_supported_images(filter="colour eq 'red'")),
)
wrong = models.VirtualMachineConfiguration(
    image_reference=IMAGE, node_agent_sku_id="batch.node.none 1"
)
refused(
    400,
    "InvalidPropertyValue",
    batch.create_pool,
    models.BatchPoolCreateOptions(
        id="account", vm_size="standard_d2s_v3", virtual_machine_configuration=wrong
    ),
)

pool(batch, "account-a", nodes=1)
pool(batch, "account-b", nodes=0)
counts = {c.pool_id: c.dedicated.total for c in batch.list_pool_node_counts(max_results=1)}
assert (counts["account-a"], counts["account-b"]) == (1, 0), counts

now = datetime.now(timezone.utc)
assert list(batch.list_pool_usage_metrics()) == []
assert not list(
    batch.list_pool_usage_metrics(
        start_time=now - timedelta(days=2), end_time=now - timedelta(days=1), max_results=10
    )
)
assert not list(batch.list_applications(max_results=5))
refused(404, "ApplicationNotFound", batch.get_application, "none")
for each in ("account-a", "account-b"):
    batch.begin_delete_pool(each, polling_interval=POLL).result()
print("ok account")
