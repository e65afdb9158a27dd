"use strict";
// The live page of a service whose key is its own: it comes in the fragment of $BATCHFLOW_LIVE_PAGE, or is typed in.

const { assert, everySize, scenario, until } = require("./browser.js");

const link = process.env.BATCHFLOW_LIVE_PAGE;
const key = process.env.AZURE_BATCH_ACCESS_KEY;

/** Where a key must not be found afterwards. */
async function nowhere(page, asked) {
  const kept = await page.evaluate(async () => [
    location.href, document.cookie, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }),
    document.documentElement.outerHTML, history.length, JSON.stringify(await indexedDB.databases()),
  ]);
  for (const text of [...kept, ...asked]) {
    assert.ok(!decodeURIComponent(String(text).replaceAll("%", "%25")).includes(key), `the key is in ${text}`);
    assert.ok(!String(text).includes(encodeURIComponent(key)), `the key is in ${text}`);
  }
}

scenario("own key", async ({ open }) => {
  const has = (page, selector, wanted) =>
    until(page, ([s, w]) => document.querySelector(s)?.textContent.includes(w), [selector, wanted]);
  assert.ok(link.includes("#key="));

  const given = await open(link);
  await has(given.page, "#status", "live");
  await has(given.page, "#jobs", "There is no job.");
  // The fragment never goes over the wire; the browser's own record of the first address has it.
  await nowhere(given.page, given.asked.filter((url) => url !== link));
  assert.deepEqual(given.trouble, []);

  const { page, asked } = await open(link.split("#")[0]);
  await has(page, "#status", "waiting for the key");
  await everySize(page, "live-key");
  await page.getByLabel("Key").fill(Buffer.from("another key").toString("base64"));
  await page.getByRole("button", { name: "Show" }).click();
  await has(page, "#refused", "not let in");
  await page.getByLabel("Key").fill(key);
  await page.getByRole("button", { name: "Show" }).click();
  await has(page, "#status", "live");
  await nowhere(page, asked);
}).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
