// The host: how full it is, who waits for whom, and where each signal comes from.

import { ask, numberOf, textOf, type Entities, type Status } from "./api";
import { ChartGroup } from "./charts";
import { Differences } from "./differences";
import { h } from "./dom";
import * as show from "./format";
import { Past } from "./history";
import { LineChart } from "./line_chart";
import { store } from "./store";
import type { View } from "./view";
import { addOptionalCharts, rangePicker, stepRange } from "./workload_charts";

const MOST_IN_MATRIX = 14;
const OTHERS = -1; // holders whom these credentials may not see

// Rows wait, columns hold; a cell is the time waited per second.
function matrix(differences: Differences): HTMLElement | undefined {
  const waited = new Map<string, number>();
  const byWaiter = new Map<number, number>();
  const byHolder = new Map<number, number>();
  const add = (map: Map<number, number>, key: number, value: number) => map.set(key, (map.get(key) ?? 0) + value);
  for (const entity of differences.entities) {
    const holder = numberOf(entity.fields, "holder") ?? OTHERS;
    const rate = differences.perSecond(entity.ref, "blame_wait_ns");
    if (!rate) continue;
    const key = `${entity.parent} ${holder}`;
    waited.set(key, (waited.get(key) ?? 0) + rate);
    add(byWaiter, entity.parent, rate);
    add(byHolder, holder, rate);
  }
  if (waited.size === 0) return undefined;
  const top = (map: Map<number, number>) => [...map].sort((a, b) => b[1] - a[1]).slice(0, MOST_IN_MATRIX).map(([ref]) => ref);
  const nameOf = (ref: number) => (ref === 0 ? "host" : ref === OTHERS ? "others" : (store.rows.get(ref)?.name ?? `#${ref}`));
  const waiters = top(byWaiter);
  const holders = top(byHolder);
  const most = Math.max(...waited.values());
  const link = (ref: number) => (ref <= 0 ? h("span", {}, nameOf(ref)) : h("a", { href: `#/workload/${ref}` }, nameOf(ref)));
  const table = h("table", { class: "matrix" },
    h("thead", {}, h("tr", {}, h("th", { class: "corner" }, "waits ↓  for →"), ...holders.map((ref) => h("th", { scope: "col", title: nameOf(ref) }, h("span", { class: "slant" }, link(ref)))), h("th", { class: "sum" }, "all"))));
  const body = h("tbody");
  for (const waiter of waiters) {
    const line = h("tr", {}, h("th", { scope: "row", title: nameOf(waiter) }, link(waiter)));
    for (const holder of holders) {
      const value = waited.get(`${waiter} ${holder}`);
      const cell = h("td", { title: value ? `${nameOf(waiter)} waited ${show.duration(value)} per second while ${nameOf(holder)} ran` : "" }, value && value > most / 50 ? show.duration(value) : "");
      if (value) cell.style.setProperty("--heat", (0.08 + 0.82 * Math.sqrt(value / most)).toFixed(2));
      line.append(cell);
    }
    line.append(h("td", { class: "sum" }, show.duration(byWaiter.get(waiter) ?? 0)));
    body.append(line);
  }
  table.append(body);
  return h("div", { class: "scroll" }, table);
}

export function hostView(): View {
  const past = new Past(0);
  const group = new ChartGroup(past);
  group.add(new LineChart(group, {
    title: "CPU", hint: "Cores in use, all of the host", atLeast: 1, format: show.cores,
    lines: [{ series: "cpu_cores", label: "used", tint: "cpu", style: "area" }],
  }));
  group.add(new LineChart(group, {
    title: "Memory", hint: "What is not available", atLeast: 1 << 28, format: show.bytes,
    lines: [{ series: "memory_bytes", label: "in use", tint: "mem", style: "area" }],
  }));
  group.add(new LineChart(group, {
    title: "Pressure", hint: "Share of each second in which at least one task of the host stalled", atLeast: 0.1, format: show.percent, height: 130,
    lines: [
      { series: "pressure_cpu_share", label: "CPU", tint: "cpu", style: "line" },
      { series: "pressure_memory_share", label: "memory", tint: "mem", style: "line" },
      { series: "pressure_io_share", label: "I/O", tint: "io", style: "line" },
    ],
  }));
  const optional = new Set<string>();
  const blame = new Differences();
  const picker = rangePicker(group);
  const blameBody = h("div", { class: "pad" });
  const sources = h("div", { class: "pad" });
  const own = h("div", { class: "pad" });
  const hidden = h("p", { class: "note panel pad", hidden: "" }, "How full the host is tells about others on it: these credentials are limited to their own workloads.");
  const name = h("h1");
  const element = h("main", { class: "view host" },
    h("div", { class: "title" }, name, picker),
    h("section", { class: "panel" }, h("header", {}, h("h3", { title: "Time that a workload was runnable and waited while another one held the CPU" }, "Who waits for whom"), h("span", { class: "note" }, "run-queue wait per second of time", h("i", { class: "heat-scale", title: "Up to the longest wait that is shown" }))), blameBody),
    h("div", { class: "columns" }, h("div", { class: "main-column" }, hidden, group.element),
      h("aside", {},
        h("section", { class: "panel" }, h("header", {}, h("h3", {}, "Where signals come from")), sources),
        h("section", { class: "panel" }, h("header", {}, h("h3", {}, "The collector itself")), own))));

  function showStatus(status: Status): void {
    name.textContent = status.host ?? "Host";
    sources.replaceChildren(status.sources.length
      ? h("table", { class: "plain" }, h("tbody", {}, ...status.sources.map((source) =>
          h("tr", {}, h("th", { scope: "row" }, show.words(source.what)), h("td", {}, h("span", { class: `tag via-${source.via}` }, source.via)), h("td", { class: "of" }, source.why)))))
      : h("p", { class: "note" }, "Everything is read from files: the kernel side is off."));
    const fields = status.fields ?? {};
    const facts: [string, string][] = [["version", status.version]];
    if (status.limited_to) facts.push(["you see", status.limited_to]);
    for (const panel of group.element.querySelectorAll<HTMLElement>(".chart")) panel.hidden = status.limited_to !== undefined;
    hidden.hidden = status.limited_to === undefined;
    for (const [field, format] of [["tick_ns", show.duration], ["ticks_late", show.count], ["workloads_tracked", show.count], ["cpus_online", String]] as const) {
      const value = numberOf(fields, field);
      if (value !== undefined) facts.push([show.words(field.replace(/_ns$/, "")), format(value)]);
    }
    for (const [counter, value] of Object.entries(status.counters ?? {})) facts.push([show.words(counter.replace(/_bytes$/, "")), counter.endsWith("_bytes") ? show.bytes(value) : String(value)]);
    for (const loss of status.losses ?? []) facts.push([`lost: ${textOf(loss, "map") ?? "?"} ${textOf(loss, "reason") ?? ""}`, String(numberOf(loss, "events_lost") ?? show.ABSENT)]);
    own.replaceChildren(h("dl", { class: "facts" }, ...facts.flatMap(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])));
  }

  async function refresh(): Promise<void> {
    const [status, entities] = await Promise.all([ask<Status>("status"), ask<Entities>("entities?kind=blame")]);
    if (status && status.limited_to === undefined) await past.refresh();
    if (status) showStatus(status);
    addOptionalCharts(group, optional);
    group.update();
    if (!entities) return;
    blame.add(entities);
    const drawn = matrix(blame);
    if (drawn) blameBody.replaceChildren(drawn);
    else if (entities.entities.length === 0) blameBody.replaceChildren(h("p", { class: "note" }, "No blame is recorded on this host: the collector does not attribute waits to holders here."));
    else if (!blameBody.firstChild) blameBody.replaceChildren(h("p", { class: "note" }, "Nobody waited in the last second."));
  }

  const stop = store.onTable.on(() => void refresh());
  queueMicrotask(() => void refresh());
  return {
    element,
    title: "Host",
    keys: [
      { keys: ["["], what: "show less time", run: () => stepRange(group, picker, -1) },
      { keys: ["]"], what: "show more time", run: () => stepRange(group, picker, 1) },
      { keys: ["j", "ArrowDown"], what: "scroll down", run: () => element.scrollBy({ top: 120 }) },
      { keys: ["k", "ArrowUp"], what: "scroll up", run: () => element.scrollBy({ top: -120 }) },
      { keys: ["Escape"], what: "back to the fleet", run: () => (location.hash = "#/") },
    ],
    destroy: () => {
      stop();
      group.destroy();
    },
  };
}
