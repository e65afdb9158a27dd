// Azure Batch with @azure/batch: a pool, a job, tasks, their files, and refusals.
const assert = require("node:assert/strict");
const { all, client, gone, pool, refused, text, until } = require("./service.js");

async function main() {
  const batch = client();
  await pool(batch, "js", 2, {
    taskSlotsPerNode: 2,
    startTask: { commandLine: "/bin/sh -c 'echo js > $AZ_BATCH_NODE_SHARED_DIR/who'", waitForSuccess: true },
    metadata: [{ name: "k", value: "v" }],
  });
  await refused(409, "PoolExists", () => pool(batch, "js", 0));
  const made = await batch.pool.get("js");
  assert.equal(made.currentDedicatedNodes, 2);
  assert.equal(made.startTask.waitForSuccess, true);
  assert.equal((await batch.pool.exists("js")).body, true);
  assert.equal((await batch.pool.exists("absent")).body, false);

  await batch.job.add({ id: "js", poolInfo: { poolId: "js" } });
  await batch.task.add("js", { id: "says", commandLine: "/bin/sh -c 'cat $AZ_BATCH_NODE_SHARED_DIR/who; mkdir d; echo more > \"d/a b.txt\"'" });
  await batch.task.add("js", { id: "fails", commandLine: "/bin/sh -c 'exit 3'" });
  const many = Array.from({ length: 100 }, (_, n) => ({ id: `t-${n}`, commandLine: "/bin/true" }));
  const added = await batch.task.addCollection("js", many);
  assert(added.value.every((result) => result.status.toLowerCase() === "success"));
  const again = await batch.task.addCollection("js", [{ id: "t-0", commandLine: "/bin/true" }]);
  assert.equal(again.value[0].error.code, "TaskExists");

  await batch.job.patch("js", { onAllTasksComplete: "terminatejob" });
  await until("the job is completed", async () => (await batch.job.get("js")).state === "completed");
  const counts = await batch.job.getTaskCounts("js");
  assert.deepEqual([counts.taskCounts.completed, counts.taskCounts.failed], [102, 1]);
  const failed = await batch.task.list("js", { taskListOptions: { filter: "executionInfo/result eq 'failure'", select: "id,executionInfo" } });
  assert.deepEqual(failed.map((task) => [task.id, task.executionInfo.exitCode]), [["fails", 3]]);
  const tasks = await all(
    (options) => batch.task.list("js", options),
    (link) => batch.task.listNext(link),
    { taskListOptions: { maxResults: 30, select: "id" } },
  );
  assert.equal(tasks.length, 102);

  assert.equal(await text(batch.file.getFromTask("js", "says", "stdout.txt")), "js\n");
  assert.equal(await text(batch.file.getFromTask("js", "says", "wd/d/a b.txt")), "more\n");
  const part = { fileGetFromTaskOptions: { ocpRange: "bytes=1-2" } };
  assert.equal(await text(batch.file.getFromTask("js", "says", "wd/d/a b.txt", part)), "or");
  const files = await batch.file.listFromTask("js", "says", { recursive: true });
  assert(files.some((file) => file.name === "wd/d/a b.txt" && file.properties.contentLength === 5));

  await refused(404, "JobNotFound", () => batch.job.get("absent"));
  await refused(403, "AuthenticationFailed", () => client("d3Jvbmcga2V5").job.list());
  await batch.job.deleteMethod("js");
  await batch.pool.deleteMethod("js");
  await gone("the job", () => batch.job.get("js"));
  await gone("the pool", () => batch.pool.get("js"));
  console.log("ok batch.js");
}

main();
