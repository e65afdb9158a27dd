"""What is done to nodes: users, restarts, scheduling, files, logs, removal; and what the service has no more."""

import os
from datetime import datetime, timedelta, timezone

from azure.batch import models
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas
from service import client, gone, job, pool, refused, state, task, until

batch = client()
pool(
    batch,
    "actions",
    nodes=2,
    start_task=models.StartTask(
        command_line="/bin/sh -c 'echo x >> $AZ_BATCH_NODE_SHARED_DIR/starts'",
        wait_for_success=True,
    ),
)
first, second = (n.id for n in batch.compute_node.list("actions"))
tomorrow = datetime.now(timezone.utc) + timedelta(days=1)


def node(node_id=first):
    return batch.compute_node.get("actions", node_id)


def idle():
    return node().state == models.ComputeNodeState.idle


def read(path, node_id=first):
    return b"".join(batch.file.get_from_compute_node("actions", node_id, path))


user = models.ComputeNodeUser(name="somebody", password="Kx7-unlikely", expiry_time=tomorrow)
batch.compute_node.add_user("actions", first, user)
refused(409, "NodeUserExists", batch.compute_node.add_user, "actions", first, user)
batch.compute_node.update_user(
    "actions", first, "somebody", models.NodeUpdateUserParameter(password="Kx8-unlikely")
)
batch.compute_node.delete_user("actions", first, "somebody")
refused(404, "NodeUserNotFound", batch.compute_node.delete_user, "actions", first, "somebody")
try:
    login = batch.compute_node.get_remote_login_settings("actions", first)
    assert login.remote_login_ip_address and login.remote_login_port
except models.BatchErrorException as error:
    assert error.error.code == "NotImplemented", error

assert read("shared/starts") == b"x\n"
batch.compute_node.reboot("actions", first, models.ComputeNodeRebootOption.terminate)
until("two starts", lambda: idle() and read("shared/starts") == b"x\nx\n")
batch.compute_node.reimage("actions", first)
until("a new start", lambda: idle() and read("shared/starts") == b"x\n")

batch.compute_node.disable_scheduling("actions", first)
assert node().scheduling_state == models.SchedulingState.disabled
refused(
    409,
    "NodeAlreadyInTargetSchedulingState",
    batch.compute_node.disable_scheduling,
    "actions",
    first,
)
job(batch, "actions", "actions")
for n in range(3):
    batch.task.add("actions", task(f"t{n}", "/bin/sh -c 'echo done > result'"))
for n in range(3):
    assert state(batch, "actions", f"t{n}").node_info.node_id == second
batch.compute_node.enable_scheduling("actions", first)
assert node().scheduling_state == models.SchedulingState.enabled

path = "workitems/actions/job-1/t0/wd/result"
assert read(path, second) == b"done\n"
about = batch.file.get_properties_from_compute_node("actions", second, path, raw=True)
assert about.headers["Content-Length"] == 5
batch.file.delete_from_compute_node("actions", second, path)
refused(404, "FileNotFound", batch.file.get_from_compute_node, "actions", second, path)
batch.file.delete_from_task("actions", "t1", "wd", recursive=True)
names = [f.name for f in batch.file.list_from_task("actions", "t1", recursive=True)]
assert names == ["stderr.txt", "stdout.txt"], names

blobs = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])
container = blobs.create_container("actions-logs-14")
signature = generate_container_sas(
    blobs.account_name,
    container.container_name,
    account_key=blobs.credential.account_key,
    permission=ContainerSasPermissions(write=True, create=True),
    expiry=tomorrow,
)
uploading = batch.compute_node.upload_batch_service_logs(
    "actions",
    first,
    models.UploadBatchServiceLogsConfiguration(
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

assert not list(batch.compute_node_extension.list("actions", first))
refused(404, "ResourceNotFound", batch.compute_node_extension.get, "actions", first, "none")

# What this version has and the service does not.
refused(501, "NotImplemented", lambda: list(batch.certificate.list()))
refused(501, "NotImplemented", batch.compute_node.get_remote_desktop, "actions", first)

batch.pool.remove_nodes(
    "actions",
    models.NodeRemoveParameter(
        node_list=[first], node_deallocation_option=models.ComputeNodeDeallocationOption.terminate
    ),
)
until("one node is left", lambda: [n.id for n in batch.compute_node.list("actions")] == [second])
assert batch.pool.get("actions").target_dedicated_nodes == 1
batch.job.delete("actions")
gone(batch.job.get, "actions")
batch.pool.delete("actions")
gone(batch.pool.get, "actions")
print("ok node_actions")
