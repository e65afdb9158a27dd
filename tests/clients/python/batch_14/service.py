"""What every scenario needs: the client, a small pool, and waiting with a deadline."""

import os
import time

from azure.batch import BatchServiceClient, models
from azure.batch.batch_auth import SharedKeyCredentials

IMAGE = models.ImageReference(publisher="canonical", offer="ubuntu-24_04-lts", sku="server")


def client(key=None, account=None):
    credentials = SharedKeyCredentials(
        account or os.environ["AZURE_BATCH_ACCOUNT"], key or os.environ["AZURE_BATCH_ACCESS_KEY"]
    )
    return BatchServiceClient(credentials, os.environ["AZURE_BATCH_ENDPOINT"])


def node_agent(batch, image=IMAGE):
    for found in batch.account.list_supported_images():
        if (found.image_reference.offer, found.image_reference.sku) == (image.offer, image.sku):
            return found.node_agent_sku_id
    raise AssertionError(f"no node agent for {image.offer} {image.sku}")


def pool(batch, pool_id, nodes=1, **more):
    batch.pool.add(
        models.PoolAddParameter(
            id=pool_id,
            vm_size="standard_d2s_v3",
            virtual_machine_configuration=models.VirtualMachineConfiguration(
                image_reference=IMAGE, node_agent_sku_id=node_agent(batch)
            ),
            target_dedicated_nodes=nodes,
            **more,
        )
    )
    until(
        f"{nodes} idle nodes in {pool_id}",
        lambda: (
            [n.state for n in batch.compute_node.list(pool_id)]
            == [models.ComputeNodeState.idle] * nodes
        ),
    )


def job(batch, job_id, pool_id, **more):
    batch.job.add(
        models.JobAddParameter(id=job_id, pool_info=models.PoolInformation(pool_id=pool_id), **more)
    )


def task(task_id, command_line="/bin/true", **more):
    return models.TaskAddParameter(id=task_id, command_line=command_line, **more)


def until(what, holds, seconds=60):
    """Waits until `holds()` is true and gives back what it returned."""
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def state(batch, job_id, task_id, wanted=models.TaskState.completed):
    """Waits until a task is in a state, and gives it back."""

    def there():
        found = batch.task.get(job_id, task_id)
        return found if found.state == wanted else None

    return until(f"{job_id}/{task_id} is {wanted}", there)


def gone(read, *arguments):
    """Waits until something is no longer found."""

    def absent():
        try:
            read(*arguments)
        except models.BatchErrorException as error:
            assert error.response.status_code == 404, error
            return True
        return False

    until(f"{arguments} is gone", absent)


def refused(status, code, call, *arguments, **keywords):
    """What the service says to a call that it must refuse, as {key: value}."""
    try:
        call(*arguments, **keywords)
    except models.BatchErrorException as error:
        assert error.response.status_code == status, f"{error.response.status_code}: {error}"
        if code is None:
            return {}
        assert error.error.code == code, f"{error.error.code} instead of {code}"
        text = error.error.message.value.split("\n")
        assert text[1].startswith("RequestId:") and text[2].startswith("Time:"), text
        return {value.key: value.value for value in error.error.values or []}
    raise AssertionError(f"{call} was not refused with {code}")
