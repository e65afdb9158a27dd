"""Auto pools: made for a job or a schedule, and gone with it unless they are to be kept."""

from datetime import timedelta

from azure.batch import models
from service import IMAGE, POLL, client, node_agent, refused, state, task, until

batch = client()


def auto(lifetime, prefix="auto", **more):
    return models.BatchPoolInfo(
        auto_pool_specification=models.BatchAutoPoolSpecification(
            auto_pool_id_prefix=prefix,
            pool_lifetime_option=lifetime,
            pool=models.BatchPoolSpecification(
                vm_size="standard_d2s_v3",
                target_dedicated_nodes=1,
                virtual_machine_configuration=models.VirtualMachineConfiguration(
                    image_reference=IMAGE, node_agent_sku_id=node_agent(batch)
                ),
            ),
            **more,
        )
    )


def job(job_id, info):
    batch.create_job(models.BatchJobCreateOptions(id=job_id, pool_info=info))
    return batch.get_job(job_id).execution_info.pool_id


def end(job_id):
    # The client cannot send this request without a body.
    why = {"terminateReason": "over"}
    batch.begin_terminate_job(job_id, why, polling_interval=POLL).result()


def gone(pool_id):
    until(f"{pool_id} is gone", lambda: pool_id not in [p.id for p in batch.list_pools()])


# It does a job's work and goes when the job is over.
made = job("auto-a", auto("job"))
assert made.startswith("auto_") and batch.pool_exists(made), made
found = batch.get_job("auto-a")
assert found.pool_info.auto_pool_specification.pool.target_dedicated_nodes == 1
assert found.pool_info.pool_id is None
batch.create_task("auto-a", task("work", "/bin/sh -c 'echo $AZ_BATCH_POOL_ID'"))
assert state(batch, "auto-a", "work").execution_info.exit_code == 0
said = b"".join(batch.download_task_file("auto-a", "work", "stdout.txt")).decode().strip()
assert said == made, said
end("auto-a")
gone(made)
assert batch.get_job("auto-a").state == "completed"

# One that is kept stays, and serves other jobs.
kept = job("auto-b", auto("job", keep_alive=True))
batch.begin_delete_job("auto-b", polling_interval=POLL).result()
assert job("auto-c", models.BatchPoolInfo(pool_id=kept)) == kept
batch.begin_delete_job("auto-c", polling_interval=POLL).result()
batch.begin_delete_pool(kept, polling_interval=POLL).result()

# That of a schedule is shared by its jobs.
batch.create_job_schedule(
    models.BatchJobScheduleCreateOptions(
        id="auto-s",
        schedule=models.BatchJobScheduleConfiguration(recurrence_interval=timedelta(hours=1)),
        job_specification=models.BatchJobSpecification(pool_info=auto("jobschedule", "shared")),
    )
)
first = until("its job", lambda: list(batch.list_jobs_from_schedule("auto-s")))[0]
shared = first.execution_info.pool_id
assert shared.startswith("shared_"), shared
end(first.id)
assert batch.pool_exists(shared)
batch.begin_delete_job_schedule("auto-s", polling_interval=POLL).result()
gone(shared)

said = refused(400, "InvalidPropertyValue", job, "auto-d", auto("job", "x" * 21))
assert said["PropertyName"] == "poolInfo.autoPoolSpecification.autoPoolIdPrefix", said
refused(400, "InvalidPropertyValue", job, "auto-d", auto("jobschedule"))
assert not [p for p in batch.list_pools()]
print("ok auto pools")
