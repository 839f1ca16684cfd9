// The page against a live collector and autoscaler with two real containers.

import { askDriver, claim, namesOf, rowsOf, run, say, waitFor, waitForInk } from "./browser.mjs";

const coresOf = (row) => Number.parseFloat(row?.cells[2] ?? "");
const find = async (page, name) => (await rowsOf(page)).find((row) => row.name === name);

async function tableFills(page) {
  await waitFor("both containers are in the table with numbers", async () => {
    const rows = await rowsOf(page);
    return ["test-1", "test-2"].every((name) => {
      const row = rows.find((one) => one.name === name);
      return row && Number.isFinite(coresOf(row)) && /MiB|KiB|GiB/.test(row.cells[3]);
    });
  });
  claim((await page.textContent(".link")) === "live", "the page says that it is live");
  // A test container has no decision of a VM: what is absent is a dash with a reason, not a zero.
  const dashes = await page.$$eval(".grid-row:not([hidden]) .absent", (cells) => cells.map((cell) => [cell.textContent, cell.title || cell.closest("[title]")?.title]));
  for (const [text, title] of dashes) claim(text !== "–" || title, "every dash says why");
}

async function burstIsSeen(page) {
  const before = coresOf(await find(page, "test-1"));
  claim(before < 0.05, `it slept before the burst (${before} cores)`);
  await askDriver("burst");
  const { ms } = await waitFor("the burst is in the table", async () => coresOf(await find(page, "test-1")) > 0.1);
  say(`burst seen after ${(ms / 1000).toFixed(2)} s (aim: 2 s on a quiet machine)`);
}

async function filterAndSort(page) {
  await page.keyboard.press("/");
  await page.keyboard.type("test-2");
  await waitFor("only the one that matches is shown", async () => String(await namesOf(page)) === "test-2");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await waitFor("Esc shows all again", async () => (await namesOf(page)).length >= 2);
  const sorted = async (way) => {
    const names = (await namesOf(page)).map((name) => name.toLowerCase());
    const wanted = [...names].sort();
    return String(names) === String(way === "ascending" ? wanted : wanted.reverse());
  };
  const head = page.getByRole("columnheader", { name: "Workload" });
  for (const way of ["ascending", "descending"]) {
    await head.getByRole("button").click();
    claim((await head.getAttribute("aria-sort")) === way, `the column says ${way}`);
    claim(await sorted(way), `names are ${way}`);
  }
}

async function workloadInDepth(page, shot) {
  await page.keyboard.press("/");
  await page.keyboard.type("test-1");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".view.workload");
  claim((await page.textContent("h1")) === "test-1", "Enter opened the one that was filtered");
  for (const chart of ["CPU", "Memory", "Run-queue wait", "Pressure"]) await waitForInk(page, chart);
  claim(/limit [0-9.]+/.test(await page.textContent('[data-chart="CPU"] .legend')), "the limit is drawn over the use");
  await page.hover('[data-chart="CPU"] .u-over', { position: { x: 300, y: 60 } });
  await shot("live-workload");
  await page.keyboard.press("Escape");
  await page.waitForSelector(".view.fleet");
}

async function decisionsExplain(page, shot) {
  await page.keyboard.press("4");
  await waitFor("a decision is listed", async () => (await rowsOf(page)).length > 0);
  await page.keyboard.press("j");
  await waitFor("its explanation names inputs and what bound it", async () => {
    const text = await page.textContent(".detail");
    return ["demand", "allocated", "limit after", "bound by"].every((word) => text.includes(word));
  });
  await shot("live-decisions");
}

async function blameIsSeen(page, shot) {
  await page.keyboard.press("2");
  await askDriver("contend");
  const cells = () => page.$$eval(".matrix td[title]:not([title=''])", (all) => all.map((cell) => cell.title));
  const { value } = await waitFor("one container waited while the other one ran", async () =>
    (await cells()).find((title) => /^test-1 waited .* while test-2 ran|^test-2 waited .* while test-1 ran/.test(title)));
  say(`blame: ${value}`);
  await shot("live-host-blame");
}

async function otherViews(page, shot) {
  await page.keyboard.press("2");
  await page.waitForSelector(".view.host");
  await waitFor("the host tells where signals come from", async () => (await page.textContent("aside")).includes("run-queue wait"));
  for (const chart of ["CPU", "Memory"]) await waitForInk(page, chart);
  await shot("live-host");
  await page.keyboard.press("3");
  await waitFor("no VM is said in words", async () => (await page.textContent(".view.vms")).includes("No virtual machine"));
  const scheme = () => page.evaluate(() => document.documentElement.style.colorScheme);
  const before = await scheme();
  await page.keyboard.press("t");
  claim((await scheme()) !== before, "t changes between dark and light");
  await page.keyboard.press("t");
  await page.keyboard.press("?");
  claim((await page.textContent("dialog.help")).includes("dark or light"), "? tells the keys");
  await page.keyboard.press("Escape");
}

async function killedContainerDisappears(page) {
  await page.keyboard.press("1");
  await waitFor("it is there", () => find(page, "test-2"));
  await askDriver("remove");
  const { ms } = await waitFor("the killed container is gone", async () => !(await find(page, "test-2")));
  claim(await find(page, "test-1"), "the other one stays");
  say(`removed container gone after ${(ms / 1000).toFixed(2)} s`);
}

await run(async ({ page, url, shot }) => {
  const answer = await page.goto(url);
  const policy = answer.headers()["content-security-policy"] ?? "";
  claim(policy.includes("default-src 'none'") && !policy.includes("unsafe"), "the content security policy is strict");
  await tableFills(page);
  await burstIsSeen(page);
  await shot("live-fleet");
  await filterAndSort(page);
  await workloadInDepth(page, shot);
  await decisionsExplain(page, shot);
  await blameIsSeen(page, shot);
  await otherViews(page, shot);
  await killedContainerDisappears(page);
});
