"""Lists: flat, by prefix, by delimiter, page by page, with odd names."""

from azure.storage.blob import BlobPrefix, PartialBatchErrorException
from service import client, fresh

blobs = client()
box = fresh(blobs, "lists")
names = sorted(
    [f"flat-{n:03}.txt" for n in range(25)]
    + [
        "a/1",
        "a/2",
        "a/b/3",
        "a b/4",
        "ü/5",
        "x&y<z>'.txt",
        "plus+percent%25",
        "trailing./6",
        "A/7",
    ]
)
for name in names:
    box.upload_blob(name, name.encode(), metadata={"n": str(len(name))})

assert [b.name for b in box.list_blobs()] == names
assert [b.name for b in box.list_blobs(results_per_page=4)] == names
pages = [[b.name for b in page] for page in box.list_blobs(results_per_page=10).by_page()]
assert [len(page) for page in pages] == [10, 10, 10, 4] and sum(pages, []) == names
assert list(box.list_blob_names()) == names
assert [b.name for b in box.list_blobs(name_starts_with="a/")] == ["a/1", "a/2", "a/b/3"]
assert not list(box.list_blobs(name_starts_with="none"))

listed = next(iter(box.list_blobs(name_starts_with="flat-007", include=["metadata"])))
assert listed.metadata == {"n": "12"} and listed.size == 12
assert listed.content_settings.content_md5 and listed.etag and listed.last_modified
assert next(iter(box.list_blobs(name_starts_with="flat-007"))).metadata in (None, {})


def level(prefix=None, **more):
    return [
        (b.name, isinstance(b, BlobPrefix)) for b in box.walk_blobs(name_starts_with=prefix, **more)
    ]


top = dict(level())
assert [n for n, is_prefix in top.items() if is_prefix] == [
    "A/",
    "a b/",
    "a/",
    "trailing./",
    "ü/",
], top
assert len(top) == 5 + 25 + 2
assert dict(level(results_per_page=3)) == top
assert sorted(level("a/")) == [("a/1", False), ("a/2", False), ("a/b/", True)], level("a/")

# What is included if asked for: blobs of which only blocks are there, and where copies are from.
one = box.get_blob_client("flat-000.txt")
box.get_blob_client("flat-copy").start_copy_from_url(one.url)
box.get_blob_client("flat-staged").stage_block("a", b"waits")
included = list(box.list_blobs(name_starts_with="flat-", include=["copy", "uncommittedblobs"]))
copied, staged = included[-2:]
assert (copied.name, copied.copy.status, copied.copy.source) == ("flat-copy", "success", one.url)
assert (staged.name, staged.size) == ("flat-staged", 0), staged
assert [b.name for b in box.list_blobs(name_starts_with="flat-s")] == []
box.delete_blob("flat-copy")

answers = list(box.delete_blobs(*names[:9], "none", names[9], raise_on_any_failure=False))
assert [a.status_code for a in answers] == [202] * 9 + [404, 202], answers
try:
    box.delete_blobs("none")
except PartialBatchErrorException:
    pass
else:
    raise AssertionError("a failure within a batch is raised")
assert [b.name for b in box.list_blobs()] == names[10:]
box.delete_container()
print("ok lists")
