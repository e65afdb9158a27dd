"""The three most frequent words of each text, counted by Azure Batch.

    python top_n_words.py OUTPUT_FOLDER

Endpoint, account and key come from the environment; `batchflow serve` prints them. Against an account in Azure the
program is the same.
"""

import os
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from azure.batch import BatchClient, models
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import (
    BlobServiceClient,
    ContainerSasPermissions,
    generate_container_sas,
)

SAMPLE = Path(__file__).parent.parent / "top-n-words"
NAME = "words-python"


def container_url(blobs, container, permission):
    """A URL with which a node may use a container for two hours."""
    sas = generate_container_sas(
        blobs.account_name,
        container,
        account_key=blobs.credential.account_key,
        permission=ContainerSasPermissions.from_string(permission),
        expiry=datetime.now(timezone.utc) + timedelta(hours=2),
    )
    return f"{blobs.get_container_client(container).url}?{sas}"


def shell(command):
    """Batch starts programs, not shells."""
    return f"/bin/sh -c '{command}'"


def upload(blobs):
    for container in ("application", "input", "output"):
        blobs.create_container(f"{NAME}-{container}")
    script = SAMPLE / "top-n-words.sh"
    blobs.get_blob_client(f"{NAME}-application", script.name).upload_blob(script.read_bytes())
    texts = sorted((SAMPLE / "texts").glob("*.txt"))
    for text in texts:
        blobs.get_blob_client(f"{NAME}-input", text.name).upload_blob(text.read_bytes())
    return texts


def create_pool(batch, blobs):
    image = models.BatchVmImageReference(
        publisher="canonical", offer="ubuntu-24_04-lts", sku="server", version="latest"
    )
    supported = batch.list_supported_images(filter="verificationType eq 'verified'")
    agent = next(
        found.node_agent_sku_id
        for found in supported
        if (found.image_reference.offer, found.image_reference.sku) == (image.offer, image.sku)
    )
    start_task = models.BatchStartTask(
        command_line=shell('cp -p top-n-words.sh "$AZ_BATCH_NODE_SHARED_DIR"'),
        resource_files=[
            models.ResourceFile(
                storage_container_url=container_url(blobs, f"{NAME}-application", "rl")
            )
        ],
        wait_for_success=True,
    )
    batch.create_pool(
        models.BatchPoolCreateOptions(
            id=NAME,
            vm_size="standard_d2s_v5",
            target_dedicated_nodes=2,
            virtual_machine_configuration=models.VirtualMachineConfiguration(
                image_reference=image, node_agent_sku_id=agent
            ),
            start_task=start_task,
        )
    )


def task(blobs, text):
    script = '"$AZ_BATCH_NODE_SHARED_DIR/top-n-words.sh"'
    output = f"{text.stem}_OUTPUT.txt"
    return models.BatchTaskCreateOptions(
        id=f"topn-{text.stem}",
        command_line=shell(f'{script} "{text.name}" 3 > "{output}"'),
        resource_files=[
            models.ResourceFile(
                storage_container_url=container_url(blobs, f"{NAME}-input", "rl"),
                blob_prefix=text.name,
            )
        ],
        output_files=[
            models.OutputFile(
                file_pattern=output,
                destination=models.OutputFileDestination(
                    container=models.OutputFileBlobContainerDestination(
                        container_url=container_url(blobs, f"{NAME}-output", "cw"), path=output
                    )
                ),
                upload_options=models.OutputFileUploadConfiguration(
                    upload_condition=models.OutputFileUploadCondition.TASK_SUCCESS
                ),
            )
        ],
    )


def wait(batch):
    end = time.monotonic() + 600
    while time.monotonic() < end:
        tasks = list(batch.list_tasks(NAME, select=["id", "state", "executionInfo"]))
        if all(each.state == models.BatchTaskState.COMPLETED for each in tasks):
            return tasks
        time.sleep(0.5)
    sys.exit("the tasks took longer than ten minutes")


def main():
    output = Path(sys.argv[1])
    batch = BatchClient(
        endpoint=os.environ["AZURE_BATCH_ENDPOINT"],
        credential=AzureNamedKeyCredential(
            os.environ["AZURE_BATCH_ACCOUNT"], os.environ["AZURE_BATCH_ACCESS_KEY"]
        ),
    )
    blobs = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])

    texts = upload(blobs)
    create_pool(batch, blobs)
    batch.create_job(
        models.BatchJobCreateOptions(id=NAME, pool_info=models.BatchPoolInfo(pool_id=NAME))
    )
    batch.create_tasks(NAME, [task(blobs, text) for text in texts])

    failed = False
    for each in wait(batch):
        if each.execution_info.exit_code != 0:
            failed = True
            print(f"{each.id} failed: {each.execution_info.failure_info}", file=sys.stderr)

    output.mkdir(parents=True, exist_ok=True)
    container = blobs.get_container_client(f"{NAME}-output")
    for blob in container.list_blobs():
        content = container.download_blob(blob.name).readall()
        (output / blob.name).write_bytes(content)
        print(f"{blob.name}: {content.decode().split()[1]}")

    batch.begin_delete_job(NAME, polling_interval=1).result()
    batch.begin_delete_pool(NAME, polling_interval=1).result()
    for name in ("application", "input", "output"):
        blobs.delete_container(f"{NAME}-{name}")
    sys.exit(failed)


main()
