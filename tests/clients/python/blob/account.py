"""The account as such: what it is, its properties, who may see a container, and the account in the host."""

import os
import socket

from azure.storage.blob import (
    AccessPolicy,
    BlobAnalyticsLogging,
    BlobServiceClient,
    ContainerSasPermissions,
    CorsRule,
    generate_container_sas,
)
from service import client, fresh, refused

blobs = client()
box = fresh(blobs, "account")
one = box.upload_blob("dir/one", b"content")
for about in (blobs, box, one):
    found = about.get_account_information()
    assert (found["sku_name"], found["account_kind"]) == ("Standard_LRS", "StorageV2"), found
    assert found["is_hns_enabled"] is False, found

found = blobs.get_service_properties()
assert not found["cors"] and not found["static_website"].enabled, found
assert not found["analytics_logging"].read and not found["delete_retention_policy"].enabled, found
blobs.set_service_properties(cors=[], analytics_logging=BlobAnalyticsLogging())
logging = BlobAnalyticsLogging(read=True)
refused(501, "NotImplemented", blobs.set_service_properties, analytics_logging=logging)
cors = [CorsRule(["*"], ["GET"])]
refused(501, "NotImplemented", blobs.set_service_properties, cors=cors)

policy = box.get_container_access_policy()
assert policy == {"public_access": None, "signed_identifiers": []}, policy
box.set_container_access_policy(signed_identifiers={})
refused(
    409,
    "PublicAccessNotPermitted",
    box.set_container_access_policy,
    signed_identifiers={},
    public_access="blob",
)
stored = {"reader": AccessPolicy(permission=ContainerSasPermissions(read=True))}
refused(501, "NotImplemented", box.set_container_access_policy, signed_identifiers=stored)

# Host style. The names below localhost are this machine's, whether its resolver knows that or not.
resolve = socket.getaddrinfo


def resolve_localhost(host, *arguments, **keywords):
    host = "127.0.0.1" if str(host).endswith(".localhost") else host
    return resolve(host, *arguments, **keywords)


socket.getaddrinfo = resolve_localhost
os.environ["no_proxy"] = "*"
account, key = blobs.account_name, blobs.credential.account_key
port = blobs.url.split("/")[2].rsplit(":")[-1]
url = f"http://{account}.blob.localhost:{port}"
same = BlobServiceClient(url, {"account_name": account, "account_key": key}, retry_total=0)
assert [c.name for c in same.list_containers(name_starts_with="account")] == ["account"]
there = same.get_container_client("account")
assert [b.name for b in there.list_blobs()] == ["dir/one"]
assert there.get_blob_client("dir/one").download_blob().readall() == b"content"
there.upload_blob("dir/two", b"more")
copied = there.get_blob_client("three").start_copy_from_url(there.get_blob_client("dir/two").url)
assert copied["copy_status"] == "success", copied
there.delete_blobs("dir/one", "dir/two")
assert [b.name for b in box.list_blobs()] == ["three"]
sas = generate_container_sas(
    account, "account", account_key=key, permission="rl", expiry="2999-01-01"
)
signed = BlobServiceClient(url, sas, retry_total=0).get_container_client("account")
assert [b.name for b in signed.list_blobs()] == ["three"]
there.delete_container()
print("ok account")
