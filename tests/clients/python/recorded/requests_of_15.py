"""Sends, with azure-batch 15, what tests/it/requests.rs then sends with our client. Nobody answers sensibly."""

import os
from datetime import timedelta

from azure.batch import BatchClient, models
from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential

batch = BatchClient(
    endpoint=os.environ["AZURE_BATCH_ENDPOINT"],
    credential=AzureNamedKeyCredential("acct", "a2V5"),
)
container = "https://acct.blob.core.windows.net/box?sv=2025&sig=a%2Bb"
resource = models.ResourceFile(
    storage_container_url=container, blob_prefix="in/", file_path="here", file_mode="0755"
)
env = [models.EnvironmentSetting(name="COLOUR", value="grün")]

batch.create_pool(
    models.BatchPoolCreateOptions(
        id="p-1",
        display_name="Pool №1",
        vm_size="standard_d2s_v5",
        target_dedicated_nodes=2,
        target_low_priority_nodes=1,
        task_slots_per_node=4,
        task_scheduling_policy=models.BatchTaskSchedulingPolicy(node_fill_type="pack"),
        resize_timeout=timedelta(minutes=10),
        virtual_machine_configuration=models.VirtualMachineConfiguration(
            image_reference=models.BatchVmImageReference(
                publisher="canonical", offer="ubuntu-24_04-lts", sku="server", version="latest"
            ),
            node_agent_sku_id="batch.node.ubuntu 24.04",
            data_disks=[models.DataDisk(logical_unit_number=0, disk_size_gb=32)],
            container_configuration=models.BatchContainerConfiguration(
                type="dockerCompatible", container_image_names=["busybox"]
            ),
        ),
        start_task=models.BatchStartTask(
            command_line="/bin/sh -c 'echo \"hi\"'",
            resource_files=[resource],
            environment_settings=env,
            max_task_retry_count=2,
            wait_for_success=True,
            user_identity=models.UserIdentity(
                auto_user=models.AutoUserSpecification(scope="pool", elevation_level="admin")
            ),
        ),
        metadata=[models.BatchMetadataItem(name="batchflow", value="yes")],
        network_configuration=models.NetworkConfiguration(subnet_id="/subscriptions/s/subnets/n"),
        mount_configuration=[
            models.MountConfiguration(
                nfs_mount_configuration=models.NfsMountConfiguration(
                    source="10.0.0.1:/x", relative_mount_path="x"
                )
            )
        ],
    )
)
batch.create_job(
    models.BatchJobCreateOptions(
        id="j-1",
        priority=-3,
        max_parallel_tasks=-1,
        uses_task_dependencies=True,
        all_tasks_complete_mode="noaction",
        task_failure_mode="performexitoptionsjobaction",
        constraints=models.BatchJobConstraints(
            max_wall_clock_time=timedelta(days=1, hours=2), max_task_retry_count=3
        ),
        common_environment_settings=env,
        job_preparation_task=models.BatchJobPreparationTask(
            command_line="/bin/prepare", resource_files=[resource], wait_for_success=True
        ),
        job_release_task=models.BatchJobReleaseTask(
            command_line="/bin/release", max_wall_clock_time=timedelta(minutes=5)
        ),
        pool_info=models.BatchPoolInfo(pool_id="p-1"),
        metadata=[models.BatchMetadataItem(name="k", value="v")],
    )
)
batch.create_tasks(
    "j-1",
    [
        models.BatchTaskCreateOptions(
            id=f"t-{n}",
            command_line="/bin/sh -c 'exit 0'",
            resource_files=[resource, models.ResourceFile(http_url=container, file_path="a b")],
            output_files=[
                models.OutputFile(
                    file_pattern="../std*.txt",
                    destination=models.OutputFileDestination(
                        container=models.OutputFileBlobContainerDestination(
                            container_url=container, path="logs"
                        )
                    ),
                    upload_options=models.OutputFileUploadConfiguration(
                        upload_condition="taskcompletion"
                    ),
                )
            ],
            environment_settings=env,
            constraints=models.BatchTaskConstraints(
                max_wall_clock_time=timedelta(seconds=90),
                retention_time=timedelta(days=7),
                max_task_retry_count=-1,
            ),
            required_slots=2,
            depends_on=models.BatchTaskDependencies(
                task_ids=["t-0"], task_id_ranges=[models.BatchTaskIdRange(start=1, end=3)]
            ),
            exit_conditions=models.ExitConditions(
                exit_codes=[
                    models.ExitCodeMapping(
                        code=3, exit_options=models.ExitOptions(dependency_action="satisfy")
                    )
                ],
                default=models.ExitOptions(job_action="terminate"),
            ),
        )
        for n in range(3)
    ],
)
batch.update_job(
    "j-1",
    models.BatchJobUpdateOptions(all_tasks_complete_mode="terminatejob"),
    etag="0x8DB24CB604A1D00",
    match_condition=MatchConditions.IfNotModified,
)
list(batch.list_pools(filter="startswith(id,'p-')", max_results=10))
list(
    batch.list_tasks(
        "j-1",
        filter="state eq 'completed' and executionInfo/exitCode ne 0",
        select=["id", "executionInfo"],
        max_results=500,
    )
)
list(batch.list_task_files("j-1", "t-0", recursive=True))
b"".join(batch.download_task_file("j-1", "t-0", "wd/sub dir/a+b.txt", ocp_range="bytes=6-9"))
batch.reactivate_task("j-1", "t-0")
batch.delete_task("j-1", "t-0")
print("ok requests")
