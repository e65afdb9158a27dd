// A task on several nodes at once with @azure/batch, and its subtasks.
const assert = require("node:assert/strict");
const { client, gone, pool, refused, task } = require("./service.js");

async function main() {
  const batch = client();
  await pool(batch, "js-multi", 2, { enableInterNodeCommunication: true });
  await batch.job.add({ id: "js-multi", poolInfo: { poolId: "js-multi" } });
  const multiInstanceSettings = { numberOfInstances: 2, coordinationCommandLine: "/bin/true" };
  await batch.task.add("js-multi", { id: "both", commandLine: "/bin/true", multiInstanceSettings });
  const ran = await task(batch, "js-multi", "both");
  assert.equal(ran.executionInfo.result, "success");
  const { value } = await batch.task.listSubtasks("js-multi", "both");
  assert.deepEqual(value.map((other) => [other.id, other.state, other.exitCode]), [[1, "completed", 0]]);
  assert.notEqual(value[0].nodeInfo.nodeId, ran.nodeInfo.nodeId);
  await refused(404, "TaskNotFound", () => batch.task.listSubtasks("js-multi", "none"));
  await batch.job.deleteMethod("js-multi");
  await gone("the job", () => batch.job.get("js-multi"));
  await batch.pool.deleteMethod("js-multi");
  await gone("the pool", () => batch.pool.get("js-multi"));
  console.log("ok multi-instance.js");
}

main();
