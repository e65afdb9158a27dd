"""Uploads the files of a folder with so many threads and prints the seconds: upload.py FOLDER CONTAINER THREADS BLOCKS"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from azure.storage.blob import BlobServiceClient

folder, container, threads, blocks = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
service = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])
target = service.create_container(container)


def upload(name):
    with open(os.path.join(folder, name), "rb") as file:
        target.upload_blob(name, file, max_concurrency=blocks)


start = time.perf_counter()
with ThreadPoolExecutor(threads) as pool:
    list(pool.map(upload, os.listdir(folder)))
print(time.perf_counter() - start)
