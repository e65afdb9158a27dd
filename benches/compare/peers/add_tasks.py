"""Adds tasks with the SDK's own bulk method and prints the seconds that took: add_tasks.py TASKS THREADS"""

import os
import sys
import time

from azure.batch import BatchClient, models
from azure.core.credentials import AzureNamedKeyCredential

tasks, threads = int(sys.argv[1]), int(sys.argv[2])
credential = AzureNamedKeyCredential(
    os.environ["AZURE_BATCH_ACCOUNT"], os.environ["AZURE_BATCH_ACCESS_KEY"]
)
client = BatchClient(os.environ["AZURE_BATCH_ENDPOINT"], credential)
client.create_job(
    models.BatchJobCreateOptions(id="sdk", pool_info=models.BatchPoolInfo(pool_id="none"))
)
bodies = [
    models.BatchTaskCreateOptions(
        id=f"task-{n:07}",
        command_line=f"/bin/sh -c 'wc -w < input-{n:07}.txt > output-{n:07}.txt'",
        environment_settings=[models.EnvironmentSetting(name="NUMBER", value=str(n))],
    )
    for n in range(tasks)
]
start = time.perf_counter()
results = client.create_tasks("sdk", bodies, max_concurrency=threads)
took = time.perf_counter() - start
added = [result for result in results["value"] if result["status"].lower() == "success"]
assert len(added) == tasks, f"{len(added)} of {tasks}"
print(took)
