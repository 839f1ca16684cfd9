// What the scenarios share: Debian's Chromium, a page that collects its own
// complaints, claims that are waited for, and asking the driver to do something.

import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";

// Chromium's own calls home are refused where tests run, many at a time.
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];
// Generous: the machine may be busy with anything. What took how long is printed.
export const PATIENCE = 20_000;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// The driver (test_page.py) does it, then says so.
export async function askDriver(what) {
  process.stdout.write(`${JSON.stringify({ ask: what })}\n`);
  const { value, done } = await answers.next();
  if (done || value !== "done") throw new Error(`the driver did not do it: ${what}`);
}

export function say(text) {
  process.stdout.write(`${text}\n`);
}

export function claim(isTrue, what) {
  if (!isTrue) throw new Error(`not so: ${what}`);
}

export async function waitFor(what, ready, patience = PATIENCE) {
  const begin = performance.now();
  for (;;) {
    const value = await ready();
    if (value) return { value, ms: performance.now() - begin };
    if (performance.now() - begin > patience) throw new Error(`after ${patience / 1000} s still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// Runs `scenario({ page, url, shot })` and fails where the page complained or asked anybody but the collector.
export async function run(scenario) {
  const [url, folder] = process.argv.slice(2);
  mkdirSync(folder, { recursive: true });
  const browser = await chromium.launch({ executablePath: process.env.BALLAST_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  let status = 0;
  const complaints = [];
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark" });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.stack ?? String(error)));
    page.on("request", (request) => {
      const target = new URL(request.url());
      if (target.protocol !== "data:" && target.origin !== new URL(url).origin) complaints.push(`asked ${request.url()}`);
    });
    const shot = (name) => page.screenshot({ path: `${folder}/${name}.png` });
    try {
      await scenario({ page, url, shot });
    } catch (error) {
      await shot("failed").catch(() => {});
      throw error;
    }
    claim(complaints.length === 0, `no error on the console and no request elsewhere:\n${complaints.join("\n")}`);
    say(`ok, screenshots in ${folder}`);
  } catch (error) {
    say(`FAILED ${error.message}\n${error.stack?.split("\n").slice(1, 4).join("\n")}`);
    if (complaints.length) say(`the page complained:\n${complaints.join("\n")}`);
    status = 1;
  }
  await browser.close();
  process.exit(status);
}

// Of the fleet or another table: the texts of the cells in sight, a row each.
export async function rowsOf(page) {
  return page.$$eval(".grid-row:not([hidden])", (rows) =>
    rows
      .map((row) => ({
        at: new DOMMatrix(getComputedStyle(row).transform).m42,
        name: row.querySelector(".name")?.textContent ?? "",
        cells: [...row.querySelectorAll(".cell")].map((cell) => cell.textContent),
      }))
      .sort((a, b) => a.at - b.at));
}
export async function namesOf(page) {
  return (await rowsOf(page)).map((row) => row.name);
}

// How many pixels of a chart are not of its background: a chart that drew nothing has none.
export async function inkOf(page, chart) {
  return page.evaluate((name) => {
    const canvas = document.querySelector(`[data-chart="${name}"] canvas`);
    if (!canvas || canvas.width === 0) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    // Grid and axes are grey; what is measured has a colour.
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] > 40 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 40) ++ink;
    return ink;
  }, chart);
}
export async function waitForInk(page, chart, least = 30) {
  await waitFor(`the chart ${chart} has drawn something`, async () => (await inkOf(page, chart)) >= least);
}
