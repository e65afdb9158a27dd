// Azure Batch with @azure/batch: a pool, a job, tasks, their files, and refusals.
const assert = require("node:assert/strict");
const { BatchServiceClient, BatchSharedKeyCredentials } = require("@azure/batch");

const { AZURE_BATCH_ACCOUNT, AZURE_BATCH_ACCESS_KEY, AZURE_BATCH_ENDPOINT } = process.env;

function client(key = AZURE_BATCH_ACCESS_KEY) {
  const credentials = new BatchSharedKeyCredentials(AZURE_BATCH_ACCOUNT, key);
  return new BatchServiceClient(credentials, AZURE_BATCH_ENDPOINT);
}

async function until(what, holds, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert(Date.now() < end, `not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function refused(status, code, call) {
  const error = await call().then(
    () => assert.fail(`not refused with ${code}`),
    (error) => error,
  );
  assert.equal(error.statusCode, status, String(error));
  assert.equal(error.code ?? error.body?.code, code);
}

async function all(list, next, ...start) {
  const found = [];
  let page = await list(...start);
  for (;;) {
    found.push(...page);
    if (!page.odatanextLink) return found;
    page = await next(page.odatanextLink);
  }
}

async function text(download) {
  const response = await download;
  const chunks = [];
  for await (const chunk of response.readableStreamBody) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function main() {
  const batch = client();
  const images = await batch.account.listSupportedImages();
  const image = images.find((i) => i.imageReference.offer === "ubuntu-24_04-lts");
  await batch.pool.add({
    id: "js",
    vmSize: "standard_d2s_v3",
    virtualMachineConfiguration: {
      imageReference: image.imageReference,
      nodeAgentSKUId: image.nodeAgentSKUId,
    },
    targetDedicatedNodes: 2,
    taskSlotsPerNode: 2,
    startTask: { commandLine: "/bin/sh -c 'echo js > $AZ_BATCH_NODE_SHARED_DIR/who'", waitForSuccess: true },
    metadata: [{ name: "k", value: "v" }],
  });
  await refused(409, "PoolExists", () =>
    batch.pool.add({ id: "js", vmSize: "standard_d2s_v3", virtualMachineConfiguration: { imageReference: image.imageReference, nodeAgentSKUId: image.nodeAgentSKUId } }),
  );
  await until("two idle nodes", async () => {
    const nodes = await batch.computeNode.list("js");
    return nodes.length === 2 && nodes.every((node) => node.state === "idle");
  });
  const pool = await batch.pool.get("js");
  assert.equal(pool.currentDedicatedNodes, 2);
  assert.equal(pool.startTask.waitForSuccess, true);
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
  await until("both are gone", async () => {
    const left = [await batch.job.list(), await batch.pool.list()].flat();
    return !left.some((each) => each.id === "js");
  });
  console.log("ok batch.js");
}

main();
