"use strict";
// Pictures of the pages, into $SHOTS: the report $PAGE, and the live page $BATCHFLOW_LIVE_PAGE of a job `chapters`.

const { pathToFileURL } = require("node:url");
const { frames, scenario, until } = require("./browser.js");

const size = (height) => ({ viewport: { width: 1280, height }, colorScheme: "light" });

async function take(page, name) {
  await frames(page, 3);
  await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
}

scenario("pictures", async ({ open }) => {
  const report = await open(pathToFileURL(process.env.PAGE).href, size(890));
  await take(report.page, "report");

  const { page } = await open(process.env.BATCHFLOW_LIVE_PAGE, size(620));
  await page.getByRole("button", { name: "chapters", exact: true }).click();
  await until(page, () => document.querySelectorAll("#tasks tr.row").length > 5);
  await take(page, "live");
}).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
