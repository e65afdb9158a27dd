// Nodes with @azure/batch: users, restarts, scheduling, files.
const assert = require("node:assert/strict");
const { client, gone, pool, refused, task, text, until } = require("./service.js");

async function main() {
  const batch = client();
  const startTask = { commandLine: "/bin/sh -c 'echo x >> $AZ_BATCH_NODE_SHARED_DIR/starts'", waitForSuccess: true };
  const [first, second] = await pool(batch, "js-nodes", 2, { startTask });
  const starts = () => text(batch.file.getFromComputeNode("js-nodes", first.id, "shared/starts"));
  const state = async () => (await batch.computeNode.get("js-nodes", first.id)).state;

  const user = { name: "somebody", password: "Kx7-unlikely" };
  await batch.computeNode.addUser("js-nodes", first.id, user);
  await refused(409, "NodeUserExists", () => batch.computeNode.addUser("js-nodes", first.id, user));
  await batch.computeNode.updateUser("js-nodes", first.id, "somebody", { password: "Kx8-unlikely" });
  await batch.computeNode.deleteUser("js-nodes", first.id, "somebody");
  await refused(404, "NodeUserNotFound", () => batch.computeNode.deleteUser("js-nodes", first.id, "somebody"));

  assert.equal(await starts(), "x\n");
  await batch.computeNode.reboot("js-nodes", first.id, { nodeRebootOption: "terminate" });
  await until("a second start", async () => (await state()) === "idle" && (await starts()) === "x\nx\n");
  await batch.computeNode.reimage("js-nodes", first.id);
  await until("a new start", async () => (await state()) === "idle" && (await starts()) === "x\n");

  await batch.computeNode.disableScheduling("js-nodes", first.id);
  assert.equal((await batch.computeNode.get("js-nodes", first.id)).schedulingState, "disabled");
  await refused(409, "NodeAlreadyInTargetSchedulingState", () =>
    batch.computeNode.disableScheduling("js-nodes", first.id),
  );
  await batch.job.add({ id: "js-nodes", poolInfo: { poolId: "js-nodes" } });
  await batch.task.add("js-nodes", { id: "t", commandLine: "/bin/sh -c 'echo done > result'" });
  assert.equal((await task(batch, "js-nodes", "t")).nodeInfo.nodeId, second.id);
  await batch.computeNode.enableScheduling("js-nodes", first.id);

  const path = "workitems/js-nodes/job-1/t/wd/result";
  assert.equal(await text(batch.file.getFromComputeNode("js-nodes", second.id, path)), "done\n");
  const about = await batch.file.getPropertiesFromComputeNode("js-nodes", second.id, path);
  assert.equal(about.contentLength, 5);
  assert.match(String(about.ocpBatchFileIsdirectory), /false/i);
  const files = await batch.file.listFromComputeNode("js-nodes", second.id, { recursive: true });
  assert(files.some((file) => file.name === path && !file.isDirectory));
  await batch.file.deleteFromComputeNode("js-nodes", second.id, path);
  await refused(404, "FileNotFound", () => batch.file.deleteFromTask("js-nodes", "t", "wd/result"));
  await batch.file.deleteFromTask("js-nodes", "t", "wd", { recursive: true });

  assert.equal((await batch.computeNodeExtension.list("js-nodes", first.id)).length, 0);
  await refused(501, "NotImplemented", () => batch.certificate.list());
  await batch.job.deleteMethod("js-nodes");
  await gone("the job", () => batch.job.get("js-nodes"));
  await batch.pool.deleteMethod("js-nodes");
  await gone("the pool", () => batch.pool.get("js-nodes"));
  console.log("ok nodes.js");
}

main();
