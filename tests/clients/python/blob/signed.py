"""Who may do what: keys, and signatures that the client makes itself."""

import urllib.request
from datetime import datetime, timedelta, timezone

from azure.storage.blob import (
    AccountSasPermissions,
    BlobClient,
    BlobSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_blob_sas,
    generate_container_sas,
)
from service import client, fresh, refused

blobs = client()
account, key = blobs.account_name, blobs.credential.account_key
box = fresh(blobs, "signed")
name = "dir/a b+ü%.txt"
box.upload_blob(name, b"content")
now = datetime.now(timezone.utc)
soon, past = now + timedelta(hours=1), now - timedelta(hours=1)
quick = {"retry_total": 0}


def blob_with(sas, blob=name):
    return BlobClient(blobs.url, "signed", blob, credential=sas, **quick)


def blob_sas(permission, expiry=soon, blob=name, signing_key=key, **more):
    return generate_blob_sas(
        account,
        "signed",
        blob,
        account_key=signing_key,
        permission=BlobSasPermissions.from_string(permission),
        expiry=expiry,
        **more,
    )


reader = blob_with(blob_sas("r"))
assert reader.download_blob().readall() == b"content"
assert urllib.request.urlopen(reader.url).read() == b"content"
refused(403, "AuthorizationPermissionMismatch", reader.upload_blob, b"x", overwrite=True)
refused(403, "AuthenticationFailed", blob_with(blob_sas("r"), "other").download_blob)
refused(403, "AuthenticationFailed", blob_with(blob_sas("r", expiry=past)).download_blob)
refused(
    403,
    "AuthenticationFailed",
    blob_with(blob_sas("r", start=soon, expiry=soon + timedelta(hours=1))).download_blob,
)
bad_key = "d3Jvbmcga2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMhISE="
refused(403, "AuthenticationFailed", blob_with(blob_sas("r", signing_key=bad_key)).download_blob)
refused(
    403, "AuthorizationProtocolMismatch", blob_with(blob_sas("r", protocol="https")).download_blob
)
writer = blob_with(blob_sas("cw", blob="new"), "new")
writer.upload_blob(b"by signature", metadata={"k": "v"})
refused(403, "AuthorizationPermissionMismatch", writer.download_blob)
assert box.get_blob_client("new").download_blob().readall() == b"by signature"
# Headers that the signature asks for.
typed = blob_with(
    blob_sas("r", content_type="application/x-told", content_disposition="attachment")
)
assert typed.download_blob().properties.content_settings.content_type == "application/x-told"


def container_with(permission, **more):
    sas = generate_container_sas(
        account,
        "signed",
        account_key=key,
        permission=ContainerSasPermissions.from_string(permission),
        expiry=soon,
        **more,
    )
    return ContainerClient(blobs.url, "signed", credential=sas, **quick)


lister = container_with("rl")
assert [b.name for b in lister.list_blobs()] == [name, "new"]
assert lister.get_blob_client(name).download_blob().readall() == b"content"
refused(403, "AuthorizationPermissionMismatch", lister.upload_blob, "x", b"x")
sender = container_with("acw")
sender.upload_blob("sent/by/node", b"output" * 1000)
refused(403, "AuthorizationPermissionMismatch", lambda: list(sender.list_blobs()))
deleter = container_with("d")
deleter.delete_blob("sent/by/node")
assert [b.name for b in lister.list_blobs()] == [name, "new"]

sas = generate_account_sas(
    account,
    account_key=key,
    resource_types=ResourceTypes(service=True, container=True, object=True),
    permission=AccountSasPermissions(read=True, list=True),
    expiry=soon,
)
whole = BlobServiceClient(blobs.url, credential=sas, **quick)
assert "signed" in [c.name for c in whole.list_containers()]
assert whole.get_blob_client("signed", name).download_blob().readall() == b"content"
refused(403, "AuthorizationPermissionMismatch", whole.create_container, "not-allowed")

stranger = BlobServiceClient(
    blobs.url, credential={"account_name": account, "account_key": bad_key}, **quick
)
refused(403, "AuthenticationFailed", lambda: list(stranger.list_containers()))
nobody = BlobServiceClient(blobs.url, **quick)
try:
    nobody.get_blob_client("signed", name).download_blob()
except Exception as error:
    assert error.status_code in (401, 403, 404, 409), error
else:
    raise AssertionError("anybody may read")

box.delete_container()
print("ok signed")
