// The page with a thousand workloads and with every signal that a record can carry.

import { claim, namesOf, rowsOf, run, say, waitFor, waitForInk } from "./browser.mjs";

const BUDGET_MS = 100;
const TURNS = 15;

// From the key or click to the frame that shows it: what the page's main thread itself worked,
// layout, painting and a table that arrives in between included, is held against the budget at
// every turn. It is CPU time, which other work on the machine cannot make much longer; the wall
// clock, which it can, is held at the best turn and printed.
// A turn over it is said and done once more, for CPUs are not of one speed.
// `act` is source: the page's policy lets it make no function of a text.
async function timed(page, meter, what, act) {
  const wall = [];
  const worked = [];
  let again = true; // once
  for (let turn = 0; turn < TURNS; ++turn) {
    const before = await meter();
    const took = await page.evaluate(`(async () => {
      const turn = ${turn};
      const begin = performance.now();
      ${act}
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
      return performance.now() - begin;
    })()`);
    const work = (await meter()) - before;
    if (work >= BUDGET_MS && again) {
      say(`${what}: ${work.toFixed(1)} ms of work, once more`);
      again = false;
      --turn;
      continue;
    }
    wall.push(took);
    worked.push(work);
  }
  const ordered = (times) => [...times].sort((a, b) => a - b).map((ms) => ms.toFixed(1));
  say(`${what.padEnd(26)} work ${ordered(worked)[TURNS >> 1]} ms, at most ${ordered(worked).at(-1)}; on the wall ${ordered(wall)[TURNS >> 1]} ms, at most ${ordered(wall).at(-1)}`);
  claim(Math.max(...worked) < BUDGET_MS, `${what} costs less than ${BUDGET_MS} ms at every turn`);
  claim(Math.min(...wall) < BUDGET_MS, `${what} takes less than ${BUDGET_MS} ms`);
}

// CPU time of the page's main thread so far, in milliseconds.
async function cpuMeter(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find((metric) => metric.name === "TaskDuration").value * 1000;
  };
}
const KEY = (key) => `document.dispatchEvent(new KeyboardEvent("keydown", { key: "${key}", bubbles: true }));`;

async function timedAll(page) {
  const meter = await cpuMeter(page);
  await timed(page, meter, "next row (j)", KEY("j"));
  await timed(page, meter, "reverse the order (r)", KEY("r"));
  await timed(page, meter, "sort by another column (>)", KEY(">"));
  await timed(page, meter, "scroll by 300 rows", `document.querySelector(".grid-body").scrollTop = turn * 300 * 34 % 30000;`);
  await timed(page, meter, "a letter in the filter", `const i = document.querySelector("input[type=search]"); i.value = "agent-" + turn; i.dispatchEvent(new Event("input"));`);
  await timed(page, meter, "the filter emptied", `const i = document.querySelector("input[type=search]"); i.value = turn % 2 ? "x" : ""; i.dispatchEvent(new Event("input"));`);
  await page.fill("input[type=search]", "");
}

await run(async ({ page, url, shot }) => {
  await page.goto(url);
  const tile = async () => Number.parseInt(await page.textContent(".tile .value b"), 10);
  await waitFor("a thousand workloads are counted", async () => (await tile()) === 1000);
  await waitFor("rows are there", async () => (await rowsOf(page)).length > 10);
  await waitFor("sparklines have drawn", () =>
    page.evaluate(() => {
      const canvas = document.querySelector(".grid-row canvas");
      return canvas && canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
    }));
  claim((await page.$$(".grid-row")).length < 80, "only rows in sight exist");
  await page.waitForTimeout(1500);
  await shot("thousand-fleet-dark");

  await timedAll(page);

  await page.evaluate(() => {
    const body = document.querySelector(".grid-body");
    body.scrollTop = body.scrollHeight;
  });
  await waitFor("the last rows are shown", async () => (await rowsOf(page)).at(-1)?.at === 999 * 34);
  await page.fill("input[type=search]", "agent-777");
  await waitFor("one that was not in sight is found", async () => String(await namesOf(page)) === "agent-777");
  await page.fill("input[type=search]", "");
  await page.getByRole("button", { name: "VMs" }).click();
  await waitFor("only VMs are shown", async () => (await namesOf(page)).every((name) => name.startsWith("sandbox-")));

  await page.goto(`${url}#/workload/1`);
  for (const chart of ["Tool calls", "CPU", "Memory", "Run-queue wait", "Pressure", "Preemptions", "Block I/O", "Block latency"]) await waitForInk(page, chart);
  await shot("thousand-workload-dark");
  await page.goto(`${url}#/host`);
  await waitFor("the blame matrix has cells", async () => (await page.$$(".matrix td[title]:not([title=''])")).length > 3);
  await shot("thousand-host-dark");
  await page.goto(`${url}#/vms`);
  await waitFor("VMs have exits and steal", async () => {
    const rows = await rowsOf(page);
    return rows.length > 5 && rows.every((row) => /%/.test(row.cells[4]) && /\d/.test(row.cells[6]));
  });
  await shot("thousand-vms-dark");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  for (const chart of ["vCPU time", "VM exits"]) await waitForInk(page, chart);
  await page.locator('[data-chart="VM exits"]').scrollIntoViewIfNeeded();
  await shot("thousand-vm-dark");

  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(`${url}#/workload/1`);
  for (const chart of ["CPU", "Run-queue wait"]) await waitForInk(page, chart);
  await shot("thousand-workload-light");
  await page.goto(`${url}#/decisions`);
  await waitFor("decisions are listed", async () => (await rowsOf(page)).length > 3);
  await shot("thousand-decisions-light");
  await page.goto(`${url}#/`);
  await waitFor("the fleet is back", async () => (await rowsOf(page)).length > 10);
  await shot("thousand-fleet-light");
  await page.setViewportSize({ width: 420, height: 800 });
  await waitFor("a narrow table keeps name and CPU", async () => (await rowsOf(page))[0]?.cells.length === 2);
  await shot("thousand-fleet-narrow");
});
