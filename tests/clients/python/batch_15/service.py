"""What every scenario needs: the client, a small pool, and waiting with a deadline."""

import json
import logging
import os
import time

from azure.batch import BatchClient, models
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError

POLL = 0.1

# The client warns, with a traceback, of every refusal without a body, such as 304.
logging.getLogger("azure").setLevel(logging.ERROR)

IMAGE = models.BatchVmImageReference(publisher="canonical", offer="ubuntu-24_04-lts", sku="server")


def client(**changes):
    settings = {
        "endpoint": os.environ["AZURE_BATCH_ENDPOINT"],
        "credential": AzureNamedKeyCredential(
            os.environ["AZURE_BATCH_ACCOUNT"], os.environ["AZURE_BATCH_ACCESS_KEY"]
        ),
    }
    return BatchClient(**(settings | changes))


def node_agent(batch, image=IMAGE):
    """The SKU that goes with an image, as the documentation says to find it."""
    for found in batch.list_supported_images():
        if (found.image_reference.offer, found.image_reference.sku) == (image.offer, image.sku):
            return found.node_agent_sku_id
    raise AssertionError(f"no node agent for {image.offer} {image.sku}")


def pool(batch, pool_id, nodes=1, **more):
    """Creates a pool and waits for its nodes."""
    batch.create_pool(
        models.BatchPoolCreateOptions(
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
        lambda: [n.state for n in batch.list_nodes(pool_id)] == ["idle"] * nodes,
    )


def job(batch, job_id, pool_id, **more):
    batch.create_job(
        models.BatchJobCreateOptions(
            id=job_id, pool_info=models.BatchPoolInfo(pool_id=pool_id), **more
        )
    )


def task(task_id, command_line="/bin/true", **more):
    return models.BatchTaskCreateOptions(id=task_id, command_line=command_line, **more)


def until(what, holds, seconds=60):
    """Waits until `holds()` is true and gives back what it returned."""
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(POLL)


def state(batch, job_id, task_id, wanted="completed"):
    """Waits until a task is in a state, and gives it back."""

    def there():
        found = batch.get_task(job_id, task_id)
        return found if found.state == wanted else None

    return until(f"{job_id}/{task_id} is {wanted}", there)


def refused(status, code, call, *arguments, **keywords):
    """What the service says to a call that it must refuse, as {key: value}."""
    try:
        call(*arguments, **keywords)
    except HttpResponseError as error:
        assert error.status_code == status, f"{error.status_code} instead of {status}: {error}"
        if code is None:
            return {}
        # The client does not read the body of a refused download.
        error.response.read()
        body = json.loads(error.response.text())
        assert body["code"] == code, f"{body['code']} instead of {code}"
        if error.model:
            assert error.model.code == code, error.model
        text = body["message"]["value"].split("\n")
        assert body["message"]["lang"] == "en-US" and text[0], text
        assert text[1].startswith("RequestId:") and text[2].startswith("Time:"), text
        return {value["key"]: value["value"] for value in body.get("values", [])}
    raise AssertionError(f"{call} was not refused with {code}")
