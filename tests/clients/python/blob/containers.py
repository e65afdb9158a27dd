"""Containers: create, read, metadata, list, delete."""

from service import client, fresh, refused

blobs = client()
box = fresh(blobs, "containers-a", metadata={"team": "blue"})
fresh(blobs, "containers-b")
fresh(blobs, "containers-c")
refused(409, "ContainerAlreadyExists", blobs.create_container, "containers-a")
for name in ("ab", "Capital", "under_score", "two--dashes", "-first", "x" * 64):
    try:
        blobs.create_container(name)
    except Exception as error:
        assert error.status_code == 400, f"{name}: {error}"
        assert error.error_code in ("InvalidResourceName", "OutOfRangeInput"), error.error_code
    else:
        raise AssertionError(f"{name} was allowed")

assert box.exists() and not blobs.get_container_client("containers-none").exists()
found = box.get_container_properties()
assert found.name == "containers-a" and found.metadata == {"team": "blue"}
assert found.etag.startswith('"0x') and found.last_modified and found.public_access is None
box.set_container_metadata({"team": "red", "n": "2"})
assert box.get_container_properties().metadata == {"team": "red", "n": "2"}
assert box.get_container_properties().etag != found.etag

names = [c.name for c in blobs.list_containers(name_starts_with="containers-")]
assert names == ["containers-a", "containers-b", "containers-c"], names
pages = blobs.list_containers(name_starts_with="containers-", results_per_page=2).by_page()
assert [[c.name for c in page] for page in pages] == [names[:2], names[2:]]
listed = next(iter(blobs.list_containers(name_starts_with="containers-a", include_metadata=True)))
assert listed.metadata == {"team": "red", "n": "2"} and listed.last_modified

for name in names:
    blobs.delete_container(name)
    assert not blobs.get_container_client(name).exists()
refused(404, "ContainerNotFound", blobs.delete_container, "containers-none")
refused(
    404,
    "ContainerNotFound",
    lambda: list(blobs.get_container_client("containers-none").list_blobs()),
)
assert not list(blobs.list_containers(name_starts_with="containers-"))
print("ok containers")
