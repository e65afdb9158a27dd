"""What every scenario needs: the client from the environment, and refusals by their code."""

import os
import time

from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient


def client(**settings):
    return BlobServiceClient.from_connection_string(
        os.environ["AZURE_STORAGE_CONNECTION_STRING"], retry_total=0, **settings
    )


def refused(status, code, call, *arguments, **keywords):
    """The error with which the service refuses a call."""
    try:
        call(*arguments, **keywords)
    except HttpResponseError as error:
        assert error.status_code == status, f"{error.status_code} instead of {status}: {error}"
        assert getattr(error, "error_code", None) == code, f"{error.error_code} instead of {code}"
        return error
    raise AssertionError(f"{call} was not refused with {code}")


def fresh(blobs, name, seconds=60, **more):
    """A new container; a name may stay taken for a while after a deletion."""
    end = time.monotonic() + seconds
    while True:
        try:
            return blobs.create_container(name, **more)
        except HttpResponseError as error:
            if error.error_code != "ContainerBeingDeleted" or time.monotonic() > end:
                raise
            time.sleep(0.2)
