// The fleet: what is used of the host, and every workload in a row.

import type { Row } from "./api";
import * as cells from "./cells";
import { h, setClass, setText, setTitle } from "./dom";
import * as show from "./format";
import { Grid, type Column } from "./grid";
import { store } from "./store";
import type { View } from "./view";

const columns: Column<Row>[] = [
  { title: "Workload", width: "minmax(170px, 2.2fr)", by: (row) => row.name.toLowerCase(), isText: true, make: cells.nameCell },
  { title: "Last 2 min", width: "124px", from: 620, isText: true, make: cells.sparkCell, hint: "CPU use of two minutes; dashed: its limit" },
  { title: "CPU", width: "minmax(104px, 1fr)", by: (row) => row.cpu_cores, hint: "Cores used over the last second, of the limit",
    make: cells.meter((row) => row.cpu_cores, (row) => row.cpu_limit_cores, show.cores, "cpu") },
  { title: "Memory", width: "minmax(150px, 1.2fr)", from: 480, by: (row) => row.memory_bytes, hint: "Memory charged, of the limit that is hit first",
    make: cells.meter((row) => row.memory_bytes, (row) => show.memoryLimit(row) ?? row.memory_limit_bytes, show.bytes, "mem") },
  { title: "Throttled", width: "84px", from: 820, by: (row) => row.throttled_share, hint: "Time its run queues stood throttled by its own quota, of wall time, summed over CPUs",
    make: cells.figure((row) => row.throttled_share, show.percent, (value) => show.severity(value, 0.02, 0.2) || "quiet", "cpu throttling") },
  { title: "Wait p99", width: "84px", from: 720, by: (row) => row.run_queue_wait_p99_ns, hint: "Run-queue wait: a runnable task waited for a CPU that somebody else used; last ten seconds",
    make: cells.figure((row) => row.run_queue_wait_p99_ns, show.duration, (value) => show.severity(value, 5e6, 2e7), "run-queue wait", "nothing waited in the last ten seconds, or waits are not measured here") },
  { title: "Pressure", width: "92px", from: 960, by: cells.worstPressure, hint: "Stalled on CPU, memory, I/O: share of the last second", make: cells.pressureCell },
  { title: "I/O", width: "92px", from: 1240, by: (row) => ioOf(row), hint: "Block I/O, read and written per second",
    make: cells.figure<Row>((row) => ioOf(row), show.rate, (value) => (value < 1024 ? "quiet" : ""), "block I/O") },
  { title: "OOM", width: "54px", from: 1120, by: (row) => row.oom_kills, hint: "Processes killed for lack of memory",
    make: cells.figure((row) => row.oom_kills, show.count, () => "bad") },
  { title: "Last decision", width: "minmax(200px, 1.8fr)", from: 1060, isText: true, by: (row) => row.decision?.decision_id && -row.decision.decision_id, make: cells.decisionCell },
];

function ioOf(row: Row): number | undefined {
  const { io_read_bytes_per_second: read, io_write_bytes_per_second: written } = row;
  return read === undefined && written === undefined ? undefined : (read ?? 0) + (written ?? 0);
}

// What the chips beside the filter let through.
const sieves: { name: string; hint: string; passes: (row: Row) => boolean }[] = [
  { name: "All", hint: "Every workload", passes: () => true },
  { name: "Busy", hint: "Used a tenth of a core or more in the last second", passes: (row) => (row.cpu_cores ?? 0) >= 0.1 },
  { name: "Held back", hint: "Throttled, or stalled for a tenth of the last second", passes: (row) => (row.throttled_share ?? 0) >= 0.02 || (cells.worstPressure(row) ?? 0) >= 0.1 },
  { name: "Near limit", hint: "Memory within a tenth of its limit", passes: (row) => (row.memory_bytes ?? 0) > 0.9 * (show.memoryLimit(row) ?? Infinity) },
  { name: "VMs", hint: "Virtual machines", passes: (row) => row.kind === "vm" },
];

const KIND_NAMES = { container: "container", vm: "VM", slice: "slice" };

// One figure of the strip over the table.
function tile(label: string, hint: string) {
  const value = h("b");
  const of = h("span", { class: "of" });
  const bar = h("i");
  const element = h("div", { class: "tile", title: hint }, h("span", { class: "label" }, label), h("span", { class: "value" }, value, of), h("span", { class: "meter" }, bar));
  return {
    element,
    set(text: string, rest = "", share?: number, grade = "") {
      setText(value, text);
      setClass(value, grade);
      setText(of, rest);
      bar.parentElement!.classList.toggle("none", share === undefined);
      bar.style.width = `${(100 * Math.min(1, share ?? 0)).toFixed(1)}%`;
      setClass(bar, show.severity(share, 0.85, 0.95));
    },
  };
}

export function fleetView(): View {
  const filter = h("input", { type: "search", placeholder: "Filter: name, path, runtime   /", "aria-label": "Filter workloads", spellcheck: "false", autocomplete: "off" });
  const counted = h("span", { class: "counted", role: "status" });
  let sieve = sieves[0]!;
  const grid = new Grid<Row>({
    columns,
    key: (row) => row.ref,
    open: (row) => (location.hash = `#/workload/${row.ref}`),
    sort: { column: 2, down: true },
    label: "Workloads",
    empty: () => (store.link === "connecting" ? "Waiting for the first record." : store.table.workloads.length ? "No workload matches the filter." : "No workload yet: containers, VMs and slices appear here as they start."),
  });
  const chips = sieves.map((one) => {
    const chip = h("button", { type: "button", class: "chip", title: one.hint, "aria-pressed": String(one === sieve) }, one.name);
    chip.addEventListener("click", () => {
      sieve = one;
      chips.forEach((other) => other.setAttribute("aria-pressed", String(other === chip)));
      update();
    });
    return chip;
  });

  const workloads = tile("Workloads", "Tracked on this host");
  const cpu = tile("CPU of workloads", "Cores used by all workloads over the last second");
  const memory = tile("Memory of the host", "In use: what is not available");
  const held = tile("Held back", "Workloads throttled or stalled for a tenth of the last second");
  const near = tile("Near memory limit", "Workloads within a tenth of the limit they hit first");
  const spark = h("canvas", { class: "spark", "aria-hidden": "true" });
  const trend = h("div", { class: "tile wide", title: "CPU of all workloads, two minutes" }, spark);

  function summarize(): void {
    const { table } = store;
    const rows = table.workloads;
    const sum = rows.reduce((total, row) => total + (row.cpu_cores ?? 0), 0);
    const kinds = (["container", "vm", "slice"] as const).map((kind) => [rows.filter((row) => row.kind === kind).length, kind] as const).filter(([n]) => n);
    workloads.set(String(rows.length), kinds.length > 1 ? ` ${kinds.map(([n, kind]) => `${n} ${KIND_NAMES[kind]}${n > 1 ? "s" : ""}`).join(", ")}` : "");
    cpu.set(show.cores(sum), table.cpus_online ? ` / ${table.cpus_online} cores` : "", table.cpus_online && sum / table.cpus_online);
    const { memory_total_bytes: total, memory_available_bytes: available } = table;
    if (total && available !== undefined) memory.set(show.bytes(total - available), ` / ${show.bytes(total)}`, 1 - available / total);
    else memory.set(show.ABSENT);
    memory.element.hidden = store.status?.limited_to !== undefined;
    const count = (n: number): [string, string, undefined, string] => [String(n), "", undefined, n ? "warn" : "quiet"];
    held.set(...count(rows.filter(sieves[2]!.passes).length));
    near.set(...count(rows.filter(sieves[3]!.passes).length));
    if (spark.isConnected) drawTrend();
  }
  function drawTrend(): void {
    cells.drawSpark(spark, store.hostSpark.values, store.table.cpus_online, spark.clientWidth, spark.clientHeight);
  }

  function update(): void {
    const wanted = filter.value.trim().toLowerCase();
    const rows = store.table.workloads.filter(
      (row) => sieve.passes(row) && (!wanted || [row.name, row.path, row.runtime, row.agent, row.pod, row.namespace].some((text) => text?.toLowerCase().includes(wanted))),
    );
    grid.setItems(rows);
    setText(counted, rows.length === store.table.workloads.length ? "" : `${rows.length} of ${store.table.workloads.length}`);
    setTitle(counted, "Shown of all");
  }

  filter.addEventListener("input", update);
  const element = h("main", { class: "view fleet" },
    h("div", { class: "tiles" }, workloads.element, cpu.element, memory.element, held.element, near.element, trend),
    h("div", { class: "toolbar" }, filter, h("div", { class: "chips", role: "group", "aria-label": "Show" }, ...chips), counted),
    grid.element);
  const stop = store.onTable.on(() => {
    summarize();
    update();
  });
  queueMicrotask(() => {
    summarize();
    update();
  });
  return {
    element,
    title: "Fleet",
    keys: [
      { keys: ["j", "ArrowDown"], what: "next row", run: () => grid.move(1) },
      { keys: ["k", "ArrowUp"], what: "previous row", run: () => grid.move(-1) },
      { keys: ["Enter"], what: "open the workload", run: () => (document.activeElement === filter ? (grid.move(1), filter.blur()) : grid.openCurrent()) },
      { keys: ["/"], what: "filter", run: () => filter.focus() },
      { keys: [">"], what: "sort by the next column", run: () => grid.sortBeside(1) },
      { keys: ["<"], what: "sort by the column before", run: () => grid.sortBeside(-1) },
      { keys: ["r"], what: "reverse the order", run: () => grid.reverse() },
      {
        keys: ["Escape"], what: "leave the filter, then clear it", run: () => {
          if (document.activeElement === filter) return filter.blur();
          filter.value = "";
          chips[0]!.click();
        },
      },
    ],
    destroy: stop,
  };
}
