"""Blobs: put, blocks, ranges, conditions, metadata, MD5, delete."""

import hashlib
import os
from datetime import timedelta

from azure.core import MatchConditions
from azure.storage.blob import BlobBlock, ContentSettings
from service import client, fresh, refused

# Small parts, so that a few megabytes are many blocks and ranges.
MIB = 1 << 20
blobs = client(
    max_single_put_size=MIB,
    max_block_size=MIB,
    max_single_get_size=MIB,
    max_chunk_get_size=MIB,
)
box = fresh(blobs, "content")


def md5(data):
    return bytearray(hashlib.md5(data).digest())


one = box.get_blob_client("dir/one two+ü%.txt")
assert not one.exists()
refused(404, "BlobNotFound", one.download_blob)
refused(404, "BlobNotFound", one.delete_blob)
put = one.upload_blob(
    b"0123456789",
    metadata={"colour": "green"},
    content_settings=ContentSettings(
        content_type="text/plain",
        content_language="en",
        content_disposition="inline",
        cache_control="no-cache",
    ),
)
assert put["etag"].startswith('"0x') and put["last_modified"]
assert put["content_md5"] == md5(b"0123456789"), put
assert one.exists()
found = one.get_blob_properties()
assert (found.size, found.blob_type, found.name) == (10, "BlockBlob", "dir/one two+ü%.txt")
assert found.metadata == {"colour": "green"}
settings = found.content_settings
assert (settings.content_type, settings.content_language) == ("text/plain", "en")
assert (settings.content_disposition, settings.cache_control) == ("inline", "no-cache")
assert settings.content_md5 == md5(b"0123456789") and found.etag == put["etag"]
assert found.creation_time and found.last_modified == put["last_modified"]
assert one.download_blob().readall() == b"0123456789"
assert one.download_blob(offset=6, length=2).readall() == b"67"
assert one.download_blob(offset=6).readall() == b"6789"
assert one.download_blob(offset=8, length=100).readall() == b"89"
assert one.download_blob(validate_content=True).readall() == b"0123456789"
refused(416, "InvalidRange", one.download_blob, offset=10, length=1)

empty = box.get_blob_client("empty")
empty.upload_blob(b"")
assert empty.download_blob().readall() == b"" and empty.get_blob_properties().size == 0

# 20 MiB and a bit, in blocks, read back in ranges.
large = os.urandom(20 * MIB + 17)
big = box.get_blob_client("big")
big.upload_blob(large, max_concurrency=4, content_settings=ContentSettings(content_md5=md5(large)))
found = big.get_blob_properties()
assert found.size == len(large) and found.content_settings.content_md5 == md5(large)
assert big.download_blob(max_concurrency=4).readall() == large
part = big.download_blob(offset=5 * MIB - 3, length=2 * MIB + 9).readall()
assert part == large[5 * MIB - 3 : 7 * MIB + 6]

# Blocks by hand: nothing is there until they are committed, in the order of the list.
staged = box.get_blob_client("staged")
for name, data in (("b", b"world"), ("a", b"hello "), ("c", b"unused")):
    staged.stage_block(name, data, validate_content=True)
assert not staged.exists()
committed, uncommitted = staged.get_block_list("all")
assert not committed and {b.id: b.size for b in uncommitted} == {"a": 6, "b": 5, "c": 6}
staged.commit_block_list([BlobBlock("a"), BlobBlock("b")], metadata={"k": "v"})
assert staged.download_blob().readall() == b"hello world"
assert staged.get_blob_properties().metadata == {"k": "v"}
committed, uncommitted = staged.get_block_list("all")
assert [b.id for b in committed] == ["a", "b"] and not uncommitted
refused(400, "InvalidBlockList", staged.commit_block_list, [BlobBlock("never-sent")])
assert staged.download_blob().readall() == b"hello world"

# What does not arrive as it was sent is not kept.
wrong = box.get_blob_client("wrong")
of_nothing = {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
refused(400, "Md5Mismatch", wrong.upload_blob, b"x", headers=of_nothing)
assert not wrong.exists()

# Conditions.
etag = one.get_blob_properties().etag
refused(409, "BlobAlreadyExists", one.upload_blob, b"new")
refused(
    412,
    "ConditionNotMet",
    one.upload_blob,
    b"new",
    overwrite=True,
    etag='"0x1"',
    match_condition=MatchConditions.IfNotModified,
)
refused(
    412,
    "ConditionNotMet",
    one.download_blob,
    etag='"0x1"',
    match_condition=MatchConditions.IfNotModified,
)
refused(
    412,
    "ConditionNotMet",
    one.delete_blob,
    etag='"0x1"',
    match_condition=MatchConditions.IfNotModified,
)
refused(
    304, "ConditionNotMet", one.download_blob, etag=etag, match_condition=MatchConditions.IfModified
)
later = found.last_modified + timedelta(days=1)
refused(304, "ConditionNotMet", one.download_blob, if_modified_since=later)
refused(
    412,
    "ConditionNotMet",
    one.download_blob,
    if_unmodified_since=found.last_modified - timedelta(days=1),
)
one.upload_blob(b"new", overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified)
assert one.download_blob().readall() == b"new"
assert one.get_blob_properties().metadata == {} and one.get_blob_properties().etag != etag

one.set_blob_metadata({"a": "1", "b": "two words"})
assert one.get_blob_properties().metadata == {"a": "1", "b": "two words"}

# Copies within the account: of blobs, of blobs with their blocks, from a URL.
twin = box.get_blob_client("copy of one")
copied = twin.start_copy_from_url(one.url)
assert copied["copy_status"] == "success" and copied["copy_id"], copied
found = twin.get_blob_properties()
assert twin.download_blob().readall() == b"new" and found.metadata == {"a": "1", "b": "two words"}
assert (found.copy.id, found.copy.status) == (copied["copy_id"], "success"), found.copy
assert found.copy.progress == "3/3" and found.copy.source == one.url, found.copy
refused(409, "NoPendingCopyOperation", twin.abort_copy, copied["copy_id"])
refused(404, "BlobNotFound", twin.start_copy_from_url, box.get_blob_client("none").url)
blocks = box.get_blob_client("copy of staged")
blocks.start_copy_from_url(staged.url, metadata={"own": "1"}, requires_sync=True)
staged.delete_blob()
assert blocks.download_blob().readall() == b"hello world"
assert blocks.get_blob_properties().metadata == {"own": "1"}
assert [b.id for b in blocks.get_block_list()[0]] == ["a", "b"]
fetched = box.get_blob_client("put from url")
fetched.upload_blob_from_url(big.url)
big.delete_blob()
assert fetched.download_blob().readall() == large
refused(409, "BlobAlreadyExists", fetched.upload_blob_from_url, one.url)

one.delete_blob()
assert not one.exists()
box.delete_container()
print("ok content")
