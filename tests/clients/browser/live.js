"use strict";
// The live page of a service that @azure/batch furnishes: $BATCHFLOW_LIVE_PAGE is its address.

const { client, pool, task } = require("../js/service.js");
const { assert, everySize, frames, scenario, until } = require("./browser.js");

const HOSTILE = "<img src=x onerror='window.hacked=1'>";
const MANY = 1200;

async function furnish(batch) {
  await pool(batch, "texts", 2, { taskSlotsPerNode: 2 });
  await batch.pool.add({
    id: "nobody", vmSize: "standard_d2s_v3", targetDedicatedNodes: 0,
    virtualMachineConfiguration: (await batch.pool.get("texts")).virtualMachineConfiguration,
  });
  await batch.job.add({ id: "words", poolInfo: { poolId: "texts" } });
  const shell = (script) => `/bin/sh -c "${script}"`;
  await batch.task.add("words", { id: "good", commandLine: shell(`echo \\"${HOSTILE}\\"`) });
  await batch.task.add("words", { id: "bad", commandLine: shell("echo no such word >&2; exit 3") });
  await batch.task.add("words", { id: "long", commandLine: shell("echo begun; sleep 600") });
  await Promise.all(["good", "bad"].map((id) => task(batch, "words", id)));
  await task(batch, "words", "long", "running");
  await batch.job.add({ id: "zeros", poolInfo: { poolId: "nobody" } });
  for (let i = 0; i < MANY; i += 100) {
    const value = Array.from({ length: 100 }, (_, k) => ({ id: `zero-${i + k}`, commandLine: "/bin/true" }));
    await batch.task.addCollection("zeros", value);
  }
}

scenario("live", async ({ open }) => {
  const batch = client();
  await furnish(batch);
  const { page, context, trouble, asked } = await open(process.env.BATCHFLOW_LIVE_PAGE);
  const has = (selector, wanted) =>
    until(page, ([s, w]) => document.querySelector(s)?.textContent.includes(w), [selector, wanted]);
  const status = (wanted) => has("#tasks [role=status]", wanted);

  await has("#status", "live");
  await has("#pools [data-id=texts]", "2 of 2 nodes");
  assert.equal(await page.locator("[data-id=texts] .node").count(), 2);
  assert.equal(await page.locator("[data-id=texts] .node", { hasText: "1" }).count(), 1);
  await has("#jobs [data-id=words]", "1 running");
  await has("#jobs [data-id=words]", "1 succeeded");
  await has("#jobs [data-id=words]", "1 failed");

  await page.getByRole("button", { name: "words", exact: true }).click();
  await status("3");
  await page.getByLabel("Search tasks").fill("exit code 3");
  await status("1 of 3");
  await page.getByRole("button", { name: "bad", exact: true }).click();
  await page.getByRole("button", { name: "stderr" }).click();
  await has("#content", "no such word");
  await has("#facts", "failed, exit code 3");
  await page.keyboard.press("Escape");
  await page.getByLabel("Search tasks").fill("");
  await page.getByRole("button", { name: "good", exact: true }).click();
  await has("#content", HOSTILE);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await page.getByRole("button", { name: "Close" }).click();

  // What changes shows up by itself, and a node leads to its tasks.
  const busy = page.locator("[data-id=texts] .node", { hasText: "1" });
  const node = await busy.getAttribute("data-id");
  await busy.click();
  assert.equal(await page.getByLabel("Search tasks").inputValue(), node);
  await until(page, (id) => {
    const rows = [...document.querySelectorAll("#tasks tr.row")].map((row) => row.textContent);
    return rows.some((row) => row.includes("running")) && rows.every((row) => row.includes(id));
  }, node);
  await page.getByLabel("Search tasks").fill("");
  await batch.task.terminate("words", "long");
  await has("#jobs [data-id=words]", "2 failed");
  await page.getByLabel("Which tasks").selectOption("failed");
  await status("2 of 3");
  await page.getByLabel("Which tasks").selectOption("all");
  await batch.task.deleteMethod("words", "good");
  await until(page, () => document.querySelector("#tasks [role=status]").textContent === "2");

  await everySize(page, "live");
  await page.getByRole("button", { name: "zeros", exact: true }).click();
  await status(MANY.toLocaleString("en"));
  await frames(page, 2);
  const rows = await page.locator("#tasks tr.row").count();
  assert.ok(rows > 10 && rows < 100, `${rows} rows at once`);

  const { origin } = new URL(process.env.BATCHFLOW_LIVE_PAGE);
  assert.deepEqual(asked.filter((url) => !url.startsWith(`${origin}/`) && url !== "data:,"), []);
  assert.deepEqual(trouble, []);
  await context.setOffline(true);
  await has("#status", "does not answer");
  await context.setOffline(false);
  await has("#status", "live");
}).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
