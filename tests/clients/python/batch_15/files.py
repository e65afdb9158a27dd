"""Files of tasks: list, properties, read, ranges, delete."""

from urllib.parse import unquote

from service import POLL, client, job, pool, refused, state, task

batch = client()
pool(batch, "files")
job(batch, "files", "files")
batch.create_task(
    "files",
    task(
        "writes",
        """/bin/sh -c 'printf 0123456789; mkdir -p "sub dir/deep"; printf plus > "sub dir/a+b.txt"; printf ü > "sub dir/deep/ü.txt"; : > empty'""",
    ),
)
state(batch, "files", "writes")

top = {f.name: f for f in batch.list_task_files("files", "writes")}
assert {"stdout.txt", "stderr.txt", "wd"} <= set(top), set(top)
assert top["wd"].is_directory and top["wd"].properties is None
assert not top["stdout.txt"].is_directory
assert top["stdout.txt"].properties.content_length == 10
assert top["stdout.txt"].properties.last_modified
assert top["stdout.txt"].url.endswith("/jobs/files/tasks/writes/files/stdout.txt")

every = [f.name for f in batch.list_task_files("files", "writes", recursive=True)]
wanted = [
    "wd/empty",
    "wd/sub dir",
    "wd/sub dir/a+b.txt",
    "wd/sub dir/deep",
    "wd/sub dir/deep/ü.txt",
]
assert [n for n in every if n.startswith("wd/")] == wanted, every
paged = [f.name for f in batch.list_task_files("files", "writes", recursive=True, max_results=2)]
assert paged == every, paged
below = [
    f.name
    for f in batch.list_task_files(
        "files", "writes", recursive=True, filter="startswith(name,'wd/sub dir/a')"
    )
]
assert below == ["wd/sub dir/a+b.txt"], below


def read(path, **more):
    return b"".join(batch.download_task_file("files", "writes", path, **more))


assert read("stdout.txt") == b"0123456789"
assert read("wd/sub dir/a+b.txt") == b"plus"
assert read("wd/sub dir/deep/ü.txt") == "ü".encode()
assert read("wd/empty") == b""
assert read("stdout.txt", ocp_range="bytes=6-9") == b"6789"
assert read("stdout.txt", ocp_range="bytes=0-0") == b"0"
assert read("stdout.txt", ocp_range="bytes=8-100") == b"89"
refused(
    416,
    "InvalidRange",
    batch.download_task_file,
    "files",
    "writes",
    "stdout.txt",
    ocp_range="bytes=10-20",
)

about = batch.get_task_file_properties("files", "writes", "wd/sub dir/a+b.txt")
assert int(about.content_length) == 4 and about.last_modified
assert about.is_directory in (False, "False", "false"), about.is_directory
assert about.file_mode.startswith("0o100"), about.file_mode
# The service encodes the whole URL once more.
assert unquote(about.url).endswith("/jobs/files/tasks/writes/files/wd/sub%20dir/a%2Bb.txt"), (
    about.url
)

refused(404, "FileNotFound", batch.download_task_file, "files", "writes", "wd/none")
refused(404, None, batch.get_task_file_properties, "files", "writes", "wd/none")
for hostile in ("../../../../etc/passwd", "wd/../../../../../../../etc/passwd", "/etc/passwd"):
    try:
        stolen = read(hostile)
    except Exception as error:
        assert error.status_code in (400, 403, 404), error
    else:
        raise AssertionError(f"{hostile} was answered: {stolen[:40]}")

# A task that has not run has no files yet.
job(batch, "files-waits", "no-such-pool")
batch.create_task("files-waits", task("waits"))
refused(404, "FileNotFound", lambda: list(batch.list_task_files("files-waits", "waits")))

for each in ("files", "files-waits"):
    batch.begin_delete_job(each, polling_interval=POLL).result()
batch.begin_delete_pool("files", polling_interval=POLL).result()
print("ok files")
