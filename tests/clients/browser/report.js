"use strict";
// The report of a run of 10 000 tasks: $PAGE is its file, $TASKS how many there are, $HOSTILE the id of one.

const { pathToFileURL } = require("node:url");
const { assert, everySize, frames, scenario, until } = require("./browser.js");

const url = pathToFileURL(process.env.PAGE).href;
const all = Number(process.env.TASKS).toLocaleString("en");
const hostile = process.env.HOSTILE;

scenario("report", async ({ open }) => {
  const { page, trouble, asked } = await open(url);
  const text = (selector) => page.locator(selector).innerText();
  const status = (section, wanted) =>
    until(page, ([s, w]) => document.querySelector(`#${s} [role=status]`).textContent === w, [section, wanted]);

  assert.equal(await text("#verdict"), "Tasks failed");
  await status("tasks", all);
  assert.equal(await page.locator("#slowest tbody tr").count(), 10);

  // Hostile text is text.
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.ok((await page.locator("#failures summary").allInnerTexts()).some((t) => t.includes(hostile)));
  await page.locator("#failures summary").first().click();
  assert.ok((await text("#failures details[open] pre")).includes("</pre><script>window.hacked = 1</script>"));

  // Searching, choosing and sorting.
  const search = page.getByLabel("Search tasks");
  await search.fill("task-00042");
  await status("tasks", `1 of ${all}`);
  assert.ok((await text("#tasks tr.row >> nth=0")).startsWith("task-00042"));
  await search.fill("no such task");
  await status("tasks", `0 of ${all}`);
  await search.fill(hostile);
  await status("tasks", `1 of ${all}`);
  assert.equal(await text("#tasks tr.row td >> nth=0"), hostile);
  await search.fill("");
  await page.getByLabel("Which tasks").selectOption("failed");
  const failed = await until(page, () => {
    const [n] = document.querySelector("#tasks [role=status]").textContent.split(" of ");
    return n !== document.querySelector("#tasks [role=status]").textContent && n;
  });
  await page.getByLabel("Which tasks").selectOption("all");
  await status("tasks", all);
  assert.equal(await page.locator(".tile", { hasText: /^\d+\s*failed$/ }).locator(".number").innerText(), failed);
  const ran = page.getByRole("button", { name: /^ran/ });
  await ran.click();
  assert.equal(await page.locator("#tasks th", { has: ran }).getAttribute("aria-sort"), "descending");
  await frames(page, 2);
  const longest = await text("#slowest tbody tr:first-child td:first-child");
  assert.equal(await text("#tasks tr.row td >> nth=0"), longest);

  await smooth(page);

  // The keyboard goes from task to task.
  await page.locator("#lanes canvas").focus();
  await page.keyboard.press("ArrowRight");
  const first = await text("#readout");
  await page.keyboard.press("ArrowRight");
  assert.match(first, / on node-\d+: /);
  assert.notEqual(await text("#readout"), first);
  await page.keyboard.press("+");
  await page.keyboard.press("0");

  await everySize(page, "report");
  assert.deepEqual(asked, [url], "a report asks for nothing");
  assert.deepEqual(trouble, []);

  // Without scripts what matters most is there.
  const plain = await open(url, { javaScriptEnabled: false });
  for (const section of ["failures", "slowest", "steps", "durations"]) {
    assert.ok(await plain.page.locator(`#${section}`).isVisible(), section);
  }
}).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

/** However many tasks there are, a frame lays out a few rows. */
async function smooth(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const layouts = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find((m) => m.name === "LayoutCount").value;
  };
  const before = await layouts();
  const steps = 60;
  const seen = await page.evaluate(async (count) => {
    const box = document.querySelector("#tasks .rows");
    let long = 0;
    const watch = new PerformanceObserver((list) => (long += list.getEntries().length));
    watch.observe({ type: "longtask" });
    let rows = 0;
    for (let i = 1; i <= count; i += 1) {
      box.scrollTop = (box.scrollHeight * i) / count;
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      rows = Math.max(rows, box.querySelectorAll("tr.row").length);
    }
    watch.disconnect();
    return { rows, long, last: box.querySelector("tr.row:nth-last-child(2)").ariaRowIndex };
  }, steps);
  assert.ok(seen.rows > 10 && seen.rows < 100, `${seen.rows} rows at once`);
  assert.equal(seen.last, String(Number(process.env.TASKS) + 1));
  assert.ok((await layouts()) - before <= 4 * steps, "a frame lays out more than once or twice");
  assert.ok(seen.long <= steps / 4, `${seen.long} of ${steps} frames took long`);
}
