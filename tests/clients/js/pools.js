// Pools with @azure/batch: lists, changes, sizes by hand and by formula.
const assert = require("node:assert/strict");
const { all, client, gone, pool, refused, until } = require("./service.js");

async function main() {
  const batch = client();
  const [first, second] = await pool(batch, "js-pools-a", 2);
  await pool(batch, "js-pools-b", 0);
  const steady = (nodes) => () =>
    batch.pool.get("js-pools-a").then((p) => p.allocationState === "steady" && p.currentDedicatedNodes === nodes);

  const pools = await all(
    (options) => batch.pool.list(options),
    (link) => batch.pool.listNext(link),
    { poolListOptions: { filter: "startswith(id,'js-pools-')", select: "id,state", maxResults: 1 } },
  );
  assert.deepEqual(pools.map((p) => [p.id, p.state, p.vmSize]), [
    ["js-pools-a", "active", undefined],
    ["js-pools-b", "active", undefined],
  ]);

  const { eTag } = await batch.pool.get("js-pools-a");
  const metadata = [{ name: "team", value: "blue" }];
  await batch.pool.patch("js-pools-a", { metadata }, { poolPatchOptions: { ifMatch: eTag } });
  await refused(412, "ConditionNotMet", () =>
    batch.pool.patch("js-pools-a", { metadata: [] }, { poolPatchOptions: { ifMatch: eTag } }),
  );
  assert.deepEqual((await batch.pool.get("js-pools-a")).metadata, metadata);
  const startTask = { commandLine: "/bin/true" };
  await batch.pool.updateProperties("js-pools-a", {
    startTask,
    certificateReferences: [],
    applicationPackageReferences: [],
    metadata: [],
  });
  const changed = await batch.pool.get("js-pools-a");
  assert.equal(changed.startTask.commandLine, "/bin/true");
  assert(!changed.metadata?.length);

  await batch.pool.resize("js-pools-a", { targetDedicatedNodes: 3 });
  await until("three nodes", steady(3));
  // Stopped before or after it is done: nothing is under way then.
  await batch.pool.resize("js-pools-a", { targetDedicatedNodes: 3 });
  await batch.pool.stopResize("js-pools-a");
  await until("three nodes", steady(3));
  await batch.pool.removeNodes("js-pools-a", { nodeList: [first.id, second.id] });
  await until("one node", steady(1));
  await refused(404, "NodeNotFound", () => batch.computeNode.get("js-pools-a", first.id));

  await refused(400, "AutoScalingFormulaSyntaxError", () =>
    batch.pool.enableAutoScale("js-pools-a", { autoScaleFormula: "nonsense(" }),
  );
  await batch.pool.enableAutoScale("js-pools-a", {
    autoScaleFormula: "$TargetDedicatedNodes = 2;",
    autoScaleEvaluationInterval: "PT5M",
  });
  await until("two nodes", steady(2));
  const run = await batch.pool.evaluateAutoScale("js-pools-a", "$TargetDedicatedNodes = 4 * 2;");
  assert.match(run.results, /\$TargetDedicatedNodes=8/);
  assert.equal(run.error, undefined);
  await batch.pool.disableAutoScale("js-pools-a");
  assert.equal((await batch.pool.get("js-pools-a")).enableAutoScale, false);

  const counts = await batch.account.listPoolNodeCounts({
    accountListPoolNodeCountsOptions: { filter: "poolId eq 'js-pools-b'" },
  });
  assert.deepEqual(counts.map((c) => [c.poolId, c.dedicated.total]), [["js-pools-b", 0]]);
  assert.equal((await batch.pool.listUsageMetrics()).length, 0);
  assert.equal((await batch.application.list()).length, 0);
  await refused(404, "ApplicationNotFound", () => batch.application.get("none"));
  for (const id of ["js-pools-a", "js-pools-b"]) {
    await batch.pool.deleteMethod(id);
    await gone(id, () => batch.pool.get(id));
  }
  console.log("ok pools.js");
}

main();
