"""What is done to nodes: users, restarts, scheduling, files, logs, removal."""

import os
from datetime import datetime, timedelta, timezone

from azure.batch import models
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas
from service import POLL, client, job, pool, refused, state, task, until

batch = client()
# The client cannot leave these out: it then has no content type for the body. It does not export their classes.
REQUEUE = {
    kind: {f"node{kind.title()}Option": "requeue"} for kind in ("reboot", "reimage", "deallocate")
}
START = "/bin/sh -c 'echo x >> $AZ_BATCH_NODE_SHARED_DIR/starts; echo started'"
pool(
    batch,
    "actions",
    nodes=2,
    start_task=models.BatchStartTask(command_line=START, wait_for_success=True),
)
first, second = (n.id for n in batch.list_nodes("actions"))


def node(node_id=first):
    return batch.get_node("actions", node_id)


def read(path, node_id=first):
    return b"".join(batch.download_node_file("actions", node_id, path))


# Users.
tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
user = models.BatchNodeUserCreateOptions(
    name="somebody", password="Kx7-unlikely", is_admin=True, expiry_time=tomorrow
)
batch.create_node_user("actions", first, user)
refused(409, "NodeUserExists", batch.create_node_user, "actions", first, user)
batch.replace_node_user(
    "actions",
    first,
    "somebody",
    models.BatchNodeUserReplaceOptions(ssh_public_key="ssh-ed25519 AAAA", expiry_time=tomorrow),
)
batch.delete_node_user("actions", first, "somebody")
refused(404, "NodeUserNotFound", batch.delete_node_user, "actions", first, "somebody")
refused(
    404,
    "NodeUserNotFound",
    batch.replace_node_user,
    "actions",
    first,
    "somebody",
    models.BatchNodeUserReplaceOptions(password="Kx7-unlikely"),
)
refused(
    400,
    "InvalidPropertyValue",
    batch.create_node_user,
    "actions",
    first,
    models.BatchNodeUserCreateOptions(name="with/slash", password="Kx7-unlikely"),
)

# Where to log in: this machine's own SSH, or that there is none.
try:
    login = batch.get_node_remote_login_settings("actions", first)
    assert login.remote_login_ip_address and login.remote_login_port > 0
except Exception as error:
    assert error.error.code == "NotImplemented" and "no SSH server" in str(error), error

# Restarts. The start task runs at each; what is on the node survives only the first kind.
assert read("shared/starts") == b"x\n"
before = node().last_boot_time
batch.begin_reboot_node(
    "actions",
    first,
    {"nodeRebootOption": "terminate"},
    polling_interval=POLL,
).result()
until("the node is back", lambda: node().state == "idle")
assert node().last_boot_time > before
assert read("shared/starts") == b"x\nx\n"
batch.begin_reimage_node(
    "actions", first, REQUEUE["reimage"], polling_interval=POLL
).result()
until("the node is back", lambda: node().state == "idle")
assert read("shared/starts") == b"x\n"

# Off and on.
batch.begin_deallocate_node(
    "actions", first, REQUEUE["deallocate"], polling_interval=POLL
).result()
until("the node is off", lambda: node().state == "deallocated")
refused(409, "OperationNotValidOnNode", batch.begin_reboot_node, "actions", first, REQUEUE["reboot"])
refused(409, "OperationNotValidOnNode", batch.create_node_user, "actions", first, user)
counts = next(iter(batch.list_pool_node_counts(filter="poolId eq 'actions'"))).dedicated
assert (counts.deallocated, counts.idle, counts.total) == (1, 1, 2), counts
batch.begin_start_node("actions", first, polling_interval=POLL).result()
until("the node is back", lambda: node().state == "idle")

# No tasks for a node that does not take any.
batch.disable_node_scheduling(
    "actions",
    first,
    models.BatchNodeDisableSchedulingOptions(node_disable_scheduling_option="terminate"),
)
refused(
    409,
    "NodeAlreadyInTargetSchedulingState",
    batch.disable_node_scheduling,
    "actions",
    first,
    {"nodeDisableSchedulingOption": "requeue"},
)
assert node().scheduling_state == "disabled" and node().state in ("idle", "offline")
job(batch, "actions", "actions")
for n in range(4):
    batch.create_task("actions", task(f"t{n}", "/bin/sh -c 'echo done > result'"))
for n in range(4):
    assert state(batch, "actions", f"t{n}").node_info.node_id == second
batch.enable_node_scheduling("actions", first)
assert node().scheduling_state == "enabled"
refused(409, "NodeAlreadyInTargetSchedulingState", batch.enable_node_scheduling, "actions", first)

# A running task that is sent away from its node runs on another.
batch.create_task("actions", task("wanders", "/bin/sleep 600"))
was = state(batch, "actions", "wanders", "running").node_info.node_id
other = first if was == second else second
batch.disable_node_scheduling("actions", was, {"nodeDisableSchedulingOption": "requeue"})
until(
    "the task runs elsewhere",
    lambda: (
        (t := batch.get_task("actions", "wanders")).state == "running"
        and t.node_info.node_id == other
    ),
)
assert batch.get_task("actions", "wanders").execution_info.requeue_count == 1
batch.enable_node_scheduling("actions", was)
batch.terminate_task("actions", "wanders")

# Files.
there = "workitems/actions/job-1/t0"
assert read(f"{there}/wd/result", second) == b"done\n"
about = batch.get_node_file_properties("actions", second, f"{there}/wd/result")
assert int(about.content_length) == 5 and about.file_mode.startswith("0o100")
batch.delete_node_file("actions", second, f"{there}/wd/result")
refused(404, "FileNotFound", batch.download_node_file, "actions", second, f"{there}/wd/result")
refused(
    409,
    "OperationInvalidForCurrentState",
    batch.delete_node_file,
    "actions",
    second,
    there,
    recursive=False,
)
batch.delete_node_file("actions", second, there, recursive=True)
names = [f.name for f in batch.list_node_files("actions", second, recursive=True)]
assert not any(name.startswith(there) for name in names), names
batch.delete_task_file("actions", "t1", "stdout.txt")
refused(404, "FileNotFound", batch.download_task_file, "actions", "t1", "stdout.txt")
refused(404, "FileNotFound", batch.delete_task_file, "actions", "t1", "stdout.txt")

# Logs go to a container.
blobs = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])
container = blobs.get_container_client("actions-logs")
container.create_container()
signature = generate_container_sas(
    blobs.account_name,
    "actions-logs",
    account_key=blobs.credential.account_key,
    permission=ContainerSasPermissions(write=True, create=True),
    expiry=tomorrow,
)
uploading = batch.upload_node_logs(
    "actions",
    first,
    models.UploadBatchServiceLogsOptions(
        container_url=f"{container.url}?{signature}",
        start_time=datetime.now(timezone.utc) - timedelta(hours=1),
    ),
)
assert uploading.number_of_files_uploaded > 0
until(
    "the logs are there",
    lambda: (
        len(list(container.list_blobs(name_starts_with=uploading.virtual_directory_name)))
        == uploading.number_of_files_uploaded
    ),
)
container.delete_container()

# There are no extensions.
assert not list(batch.list_node_extensions("actions", first))
refused(404, "ResourceNotFound", batch.get_node_extension, "actions", first, "none")

# Removal.
refused(
    400,
    "InvalidPropertyValue",
    batch.begin_remove_nodes,
    "actions",
    models.BatchNodeRemoveOptions(node_ids=[]),
)
batch.begin_remove_nodes(
    "actions",
    models.BatchNodeRemoveOptions(node_ids=[first], node_deallocation_option="terminate"),
    polling_interval=POLL,
).result()
assert [n.id for n in batch.list_nodes("actions")] == [second]
found = batch.get_pool("actions")
assert (found.target_dedicated_nodes, found.current_dedicated_nodes) == (1, 1)
refused(404, "NodeNotFound", batch.get_node, "actions", first)
batch.begin_delete_job("actions", polling_interval=POLL).result()
batch.begin_delete_pool("actions", polling_interval=POLL).result()
print("ok node_actions")
