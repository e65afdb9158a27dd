"use strict";
// A headless Chromium with one page, and everything that must not happen in it.

const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

const QUIET = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const SIZES = [360, 1280, 2560];

/** Runs a scenario; what a page logs as an error, throws, or asks of another origin fails it. */
async function scenario(name, work) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: QUIET });
  try {
    await work({ open: (url, options) => open(browser, url, options) });
    console.log(`ok ${name}`);
  } finally {
    await browser.close();
  }
}

async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const trouble = [];
  const asked = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) trouble.push(message.text());
  });
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url);
  return { page, context, trouble, asked };
}

/** At each size, light and dark: nothing wider than the window. Pictures go to $SHOTS. */
async function everySize(page, name) {
  const grounds = new Set();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of SIZES) {
      await page.setViewportSize({ width, height: width === 360 ? 800 : 1200 });
      await frames(page, 3);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} pixels too wide at ${width}`);
      if (process.env.SHOTS) {
        await page.screenshot({ path: `${process.env.SHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      }
    }
    assert.deepEqual(await pale(page), [], colorScheme);
    grounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
  }
  assert.equal(grounds.size, 2, "dark looks like light");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** Visible text whose contrast with what is behind it is less than 4.5 to 1. */
function pale(page) {
  return page.evaluate(() => {
    const rgba = (text) => {
      const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
      return { rgb: [r, g, b], a };
    };
    const light = (rgb) => {
      const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const { rgb, a } = rgba(getComputedStyle(at).backgroundColor);
        if (a > 0) return rgb;
      }
      return [255, 255, 255];
    };
    const found = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.textContent.trim() || !element.checkVisibility() || element.closest("svg, script, noscript")) continue;
      const [a, b] = [light(rgba(getComputedStyle(element).color).rgb), light(behind(element))];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (contrast < 4.5) found.add(`${element.tagName}.${element.className} ${contrast.toFixed(1)}`);
    }
    return [...found];
  });
}

/** Waits until so many frames were drawn. */
function frames(page, count) {
  return page.evaluate(async (n) => {
    for (let i = 0; i < n; i += 1) await new Promise(requestAnimationFrame);
  }, count);
}

/** Waits until `ask` in the page answers with something true, and hands it back. */
async function until(page, ask, argument) {
  const handle = await page.waitForFunction(ask, argument, { timeout: 60_000 });
  return handle.jsonValue();
}

module.exports = { assert, everySize, frames, scenario, until };
