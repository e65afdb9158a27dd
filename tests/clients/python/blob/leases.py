"""Leases of containers and blobs, and what they keep others from."""

import uuid

from azure.storage.blob import BlobLeaseClient
from service import client, fresh, refused

blobs = client()
box = fresh(blobs, "leases")
one = box.get_blob_client("one")
one.upload_blob(b"old")


def state(thing):
    found = (thing.get_blob_properties if thing is one else thing.get_container_properties)()
    return found.lease.state, found.lease.status, found.lease.duration


for thing, delete in ((one, one.delete_blob), (box, box.delete_container)):
    assert state(thing) == ("available", "unlocked", None), state(thing)
    mine, other = str(uuid.uuid4()), BlobLeaseClient(thing)
    lease = thing.acquire_lease(lease_duration=15, lease_id=mine)
    assert lease.id == mine and lease.etag and lease.last_modified
    assert state(thing) == ("leased", "locked", "fixed"), state(thing)
    refused(409, "LeaseAlreadyPresent", other.acquire)
    lease.acquire(lease_duration=-1)
    assert state(thing) == ("leased", "locked", "infinite"), state(thing)
    lease.renew()
    refused(409, "LeaseIdMismatchWithLeaseOperation", other.renew)
    lease.change(str(uuid.uuid4()))
    assert lease.id != mine
    refused(412, "LeaseIdMissing", delete)
    assert lease.break_lease(lease_break_period=60) == 60
    assert state(thing) == ("breaking", "locked", None), state(thing)
    refused(409, "LeaseIsBrokenAndCannotBeRenewed", lease.renew)
    refused(409, "LeaseIsBreakingAndCannotBeAcquired", lease.acquire)
    assert lease.break_lease(lease_break_period=0) == 0
    assert state(thing) == ("broken", "unlocked", None), state(thing)
    lease.release()
    assert state(thing) == ("available", "unlocked", None), state(thing)
    refused(409, "LeaseNotPresentWithLeaseOperation", lease.break_lease)
    refused(400, "InvalidHeaderValue", lease.acquire, lease_duration=5)

lease = one.acquire_lease()
refused(412, "LeaseIdMissing", one.upload_blob, b"new", overwrite=True)
refused(412, "LeaseIdMissing", one.set_blob_metadata, {"a": "1"})
refused(412, "LeaseIdMissing", one.stage_block, "a", b"new")
refused(
    412,
    "LeaseIdMismatchWithBlobOperation",
    one.upload_blob,
    b"new",
    overwrite=True,
    lease=str(uuid.uuid4()),
)
one.upload_blob(b"new", overwrite=True, lease=lease)
one.set_blob_metadata({"a": "1"}, lease=lease)
assert one.download_blob().readall() == one.download_blob(lease=lease).readall() == b"new"
listed = next(iter(box.list_blobs()))
assert (listed.lease.state, listed.lease.duration) == ("leased", "infinite"), listed.lease
answers = list(box.delete_blobs("one", raise_on_any_failure=False))
assert [a.status_code for a in answers] == [412], answers
one.delete_blob(lease=lease)

held = box.acquire_lease()
listed = next(iter(blobs.list_containers(name_starts_with="leases")))
assert listed.lease.state == "leased", listed.lease
box.upload_blob("two", b"nobody minds")
box.delete_container(lease=held)
print("ok leases")
