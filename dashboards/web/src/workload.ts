// One workload in depth: what it used, what it was allowed, what it waited for and
// which tool ran, on one time axis; beside it why its limits are what they are.

import { ask, numberOf, textOf, type Fields, type HostEvent, type Workload } from "./api";
import { changes, outcomes } from "./cells";
import { ChartGroup } from "./charts";
import { h, setText } from "./dom";
import { explain, sentence } from "./explain";
import * as show from "./format";
import { Past } from "./history";
import type { Span } from "./lanes";
import { store } from "./store";
import type { View } from "./view";
import { addOptionalCharts, addWorkloadCharts, missing, rangePicker, stepRange } from "./workload_charts";

const MOST_EVENTS = 40;

function spanOf(event: HostEvent): Span | undefined {
  const lasted = numberOf(event.fields, "duration_ns");
  if (lasted === undefined) return undefined;
  const end = ((numberOf(event.fields, "event_time_ns") ?? event.at_ns) + (event.wall_ns - event.at_ns)) / 1e9;
  const program = textOf(event.fields, "program") ?? "?";
  const status = numberOf(event.fields, "exit_code");
  const peak = numberOf(event.fields, "resident_peak_bytes");
  const cpu = numberOf(event.fields, "cpu_usage_ns");
  const parts = [program, show.duration(lasted), cpu === undefined ? "" : `CPU ${show.duration(cpu)}`, peak === undefined ? "" : `peak ${show.bytes(peak)}`];
  // As wait(2) reports it: a signal in the low bits, else the status above them.
  if (status) parts.push(status & 127 ? `killed by signal ${status & 127}` : `exit ${status >> 8}`);
  return { begin: end - lasted / 1e9, end, label: program, title: parts.filter(Boolean).join(" · "), isBad: !!status };
}

function fieldList(fields: Fields): HTMLElement {
  const list = h("dl", { class: "facts fields" });
  for (const [name, value] of Object.entries(fields)) {
    const text =
      typeof value === "object" ? `${show.count(value.counts.reduce((a, b) => a + b, 0))} observations`
      : typeof value === "string" ? value
      : name.endsWith("_bytes") ? show.bytes(value)
      : name.endsWith("_ns") ? show.duration(value)
      : String(value);
    list.append(h("dt", { title: name }, show.words(name)), h("dd", { title: typeof value === "object" ? "" : String(value) }, text));
  }
  return list;
}

export function workloadView(ref: number): View {
  const past = new Past(ref);
  const group = new ChartGroup(past);
  const lane = addWorkloadCharts(group);
  const optional = new Set<string>();
  const name = h("h1");
  const kind = h("span", { class: "kind" });
  const path = h("span", { class: "path" });
  const state = h("span", { class: "note" });
  const figures = h("dl", { class: "figures" });
  const decision = h("section", { class: "panel" }, h("header", {}, h("h3", {}, "Why its limits are what they are")));
  const decided = h("div", { class: "pad" });
  decision.append(decided);
  const eventList = h("ol", { class: "events" });
  const events = h("section", { class: "panel" }, h("header", {}, h("h3", {}, "Events")), eventList);
  const fields = h("details", { class: "panel" }, h("summary", {}, "Every field"));
  const fieldBody = h("div", { class: "pad" });
  fields.append(fieldBody);
  const absent = h("p", { class: "note pad" });
  const picker = rangePicker(group);
  let spans: Span[] = [];
  let lastDecision = "";
  let isGone = false;

  const element = h("main", { class: "view workload" },
    h("div", { class: "title" }, h("a", { class: "back", href: "#/", title: "Back to the fleet (Esc)", "aria-label": "Back to the fleet" }, "‹"), kind, name, path, state, picker),
    figures,
    h("div", { class: "columns" }, h("div", { class: "main-column" }, group.element, absent), h("aside", {}, decision, events, fields)));

  function showFigures(): void {
    const row = store.rows.get(ref);
    if (!row) return;
    const limit = show.memoryLimit(row);
    const facts: [string, string, string][] = [
      ["CPU", row.cpu_cores === undefined ? show.ABSENT : show.cores(row.cpu_cores), `of ${show.limit(row.cpu_limit_cores, show.cores)}`],
      ["Memory", row.memory_bytes === undefined ? show.ABSENT : show.bytes(row.memory_bytes), limit === undefined ? "no limit" : `of ${show.bytes(limit)}`],
      ["Throttled", row.throttled_share === undefined ? show.ABSENT : show.percent(row.throttled_share), "of wall time"],
      ["Wait p99", row.run_queue_wait_p99_ns === undefined ? show.ABSENT : show.duration(row.run_queue_wait_p99_ns), "of ten seconds"],
      ["OOM kills", row.oom_kills === undefined ? show.ABSENT : show.count(row.oom_kills), "since it began"],
    ];
    if (row.vm_vcpus !== undefined) facts.push(["vCPUs", String(row.vm_vcpus), row.vcpu_steal_share === undefined ? "" : `steal ${show.percent(row.vcpu_steal_share)}`]);
    figures.replaceChildren(...facts.map(([label, value, rest]) => h("div", {}, h("dt", {}, label), h("dd", { title: value === show.ABSENT ? store.whyAbsent() : undefined }, value, h("span", { class: "of" }, ` ${rest}`)))));
    setText(name, row.name);
    setText(kind, row.kind);
    kind.className = `kind wide ${row.kind}`;
    setText(path, row.path ?? "");
    const told = JSON.stringify(row.decision ?? null);
    if (told === lastDecision) return;
    lastDecision = told;
    decided.replaceChildren(row.decision ? explain(row.decision) : h("p", { class: "note" }, "No decision about it yet: either no autoscaler runs, or there was nothing to change."));
  }

  function addEvent(event: HostEvent, isOld = false): void {
    const span = event.kind === "tool_call" ? spanOf(event) : undefined;
    if (span) spans.push(span);
    const own = event.rows.find((row) => row.ref === ref);
    if (event.kind === "decision" && own && outcomes(textOf(own.fields, "outcome")).includes("applied")) {
      const d = own.fields as Record<string, number | "max" | undefined>;
      const rose = (["cpu_millicores", "memory_bytes"] as const).some((r) => Number(d[`limit_${r}`] ?? 0) > Number(d[`previous_${r}`] ?? 0));
      group.marks.push({ at: event.wall_ns / 1e9, label: `${changes(own.fields as never)} (${textOf(own.fields, "reason") ?? ""})`, isRaise: rose });
    }
    const text = event.kind === "decision" && own ? changes(own.fields as never) : sentence(event);
    const item = h("li", { title: text },
      h("time", {}, show.clock(event.wall_ns / 1e6)), h("span", { class: `event ${event.kind}` }, show.words(event.kind)), h("span", { class: "what" }, text));
    isOld ? eventList.append(item) : eventList.prepend(item);
    while (eventList.children.length > MOST_EVENTS) eventList.lastChild?.remove();
  }
  function isAbout(event: HostEvent): boolean {
    return event.subject?.ref === ref || event.rows.some((row) => row.ref === ref);
  }

  async function load(): Promise<void> {
    const row = store.rows.get(ref);
    if (row?.path) {
      const query = encodeURIComponent(row.path);
      const answers = await Promise.all([
        ask<{ events: HostEvent[] }>(`decisions?limit=300&workload=${query}`),
        ask<{ events: HostEvent[] }>(`events?kind=tool_call&limit=1000&workload=${query}`),
        ask<{ events: HostEvent[] }>(`events?limit=${MOST_EVENTS}&workload=${query}`),
      ]);
      const known = new Map<number, HostEvent>();
      for (const answer of answers) for (const event of answer?.events ?? []) if (isAbout(event)) known.set(event.sequence, event);
      for (const event of [...known.values()].sort((a, b) => b.sequence - a.sequence)) addEvent(event, true);
      group.marks.sort((a, b) => a.at - b.at);
      lane.setSpans(spans);
    }
    await refresh();
  }

  async function refresh(): Promise<void> {
    showFigures();
    const isThere = store.rows.has(ref);
    if (isThere && (await past.refresh())) {
      addOptionalCharts(group, optional);
      group.update();
      setText(absent, missing(past));
    }
    isGone = store.table.sequence !== undefined && !isThere;
    setText(state, isGone ? "ended: these are its last minutes" : "");
    state.classList.toggle("warn", isGone);
    if (fields.open && isThere) {
      const answer = await ask<{ workloads: Workload[] }>(`workloads?workload=${encodeURIComponent(store.rows.get(ref)?.path ?? "")}`);
      const whole = answer?.workloads.find((w) => w.ref === ref);
      if (whole) fieldBody.replaceChildren(fieldList(whole.fields));
    }
  }

  let isLoaded = false;
  const begin = () => {
    if (isLoaded) return void refresh();
    if (!store.rows.has(ref) && store.table.sequence === undefined) return;
    isLoaded = true;
    void load();
  };
  const stops = [
    store.onTable.on(begin),
    store.onEvent.on((event) => {
      if (!isLoaded || !isAbout(event)) return;
      addEvent(event);
      const oldest = (past.times[0] ?? 0) - 1;
      spans = spans.filter((span) => span.end >= oldest);
      group.marks = group.marks.filter((mark) => mark.at >= oldest);
      if (event.kind === "tool_call") lane.setSpans(spans);
    }),
  ];
  fields.addEventListener("toggle", () => void refresh());
  queueMicrotask(begin);
  return {
    element,
    title: store.rows.get(ref)?.name ?? "Workload",
    keys: [
      { keys: ["["], what: "show less time", run: () => stepRange(group, picker, -1) },
      { keys: ["]"], what: "show more time", run: () => stepRange(group, picker, 1) },
      { keys: ["j", "ArrowDown"], what: "scroll down", run: () => element.scrollBy({ top: 120 }) },
      { keys: ["k", "ArrowUp"], what: "scroll up", run: () => element.scrollBy({ top: -120 }) },
      { keys: ["Escape"], what: "back to the fleet", run: () => (location.hash = "#/") },
    ],
    destroy: () => {
      stops.forEach((stop) => stop());
      group.destroy();
    },
  };
}
