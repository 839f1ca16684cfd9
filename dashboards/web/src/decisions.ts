// Decisions: what was decided, when, and the explanation of each.

import { ask, numberOf, textOf, type Decision, type HostEvent } from "./api";
import { changes, outcomes, outcomeTag } from "./cells";
import { h, setText } from "./dom";
import { decisionHead, decisionTable, pools, reasons, sentence } from "./explain";
import * as show from "./format";
import { Grid, type Column } from "./grid";
import { store } from "./store";
import type { View } from "./view";

const KINDS = new Set(["decision", "actuation", "autoscaler", "migration"]);
const MOST = 1000;

function who(event: HostEvent): string {
  const names = event.rows.map((row) => row.name ?? `#${row.ref}`);
  if (names.length === 0) return event.subject?.name ?? "host";
  return names.length > 2 ? `${names[0]}, ${names[1]} and ${names.length - 2} more` : names.join(", ");
}

function text<T>(value: (item: T) => string, className = ""): Column<T>["make"] {
  return (cell) => {
    const span = h("span", { class: `line ${className}` });
    cell.append(span);
    return (item) => {
      setText(span, value(item));
      span.title = value(item);
    };
  };
}

const columns: Column<HostEvent>[] = [
  { title: "Time", width: "76px", by: (event) => event.sequence, make: text((event) => show.clock(event.wall_ns / 1e6), "num") },
  {
    title: "Outcome", width: "112px", isText: true, by: (event) => textOf(event.fields, "outcome") ?? event.kind,
    make: (cell) => {
      const tag = h("span", { class: "tag" });
      cell.append(tag);
      return (event) => {
        const outcome = event.rows.length ? outcomes(event.rows.map((row) => textOf(row.fields, "outcome")).join(";")).at(-1) : textOf(event.fields, "outcome");
        setText(tag, outcome ?? event.kind);
        tag.className = `tag ${outcome ?? ""}`;
      };
    },
  },
  { title: "About", width: "minmax(110px, 1fr)", isText: true, by: who, make: text(who) },
  { title: "What", width: "minmax(150px, 2.4fr)", from: 520, isText: true, make: text((event) => sentence(event)) },
];

export function decisionsView(id?: number): View {
  const events = new Map<number, HostEvent>();
  const detail = h("section", { class: "panel detail", "aria-live": "polite" });
  const filter = h("input", { type: "search", placeholder: "Filter: workload, reason, outcome   /", "aria-label": "Filter decisions", spellcheck: "false", autocomplete: "off" });
  let withActuations = false;
  const both = h("button", { type: "button", class: "chip", "aria-pressed": "false", title: "Also each limit that was written" }, "Writes too");
  const counted = h("span", { class: "counted" });
  let isFollowing = id === undefined;
  const grid = new Grid<HostEvent>({
    columns,
    key: (event) => event.sequence,
    open: (event) => {
      isFollowing = false;
      explainOne(event);
    },
    sort: { column: 0, down: true },
    label: "Decisions",
    empty: () => (events.size ? "None matches the filter." : "No decision yet: they appear here while ballast-autoscaler runs, also in mode observe and recommend."),
  });
  const element = h("main", { class: "view decisions" },
    h("div", { class: "toolbar" }, filter, h("div", { class: "chips" }, both), counted),
    h("div", { class: "split" }, grid.element, detail));

  function explainOne(event: HostEvent): void {
    grid.select(event.sequence);
    const head = event.fields as Decision;
    const parts: (Node | null)[] = [
      h("header", {}, h("h3", {}, `${show.words(event.kind)}${numberOf(event.fields, "decision_id") === undefined ? "" : ` #${numberOf(event.fields, "decision_id")}`}`), h("span", { class: "note" }, show.clock(event.wall_ns / 1e6))),
    ];
    const body = h("div", { class: "pad explained" });
    body.append(decisionHead(head));
    const sentenceText = sentence(event);
    if (sentenceText && event.kind !== "decision") body.append(h("p", {}, sentenceText));
    if (typeof head.error === "string") body.append(h("p", { class: "bad" }, head.error));
    if (event.kind === "actuation") body.append(decisionTable(head), reasons(head), writing(event));
    const pool = pools(event.fields);
    if (pool) body.append(h("h4", {}, "The pool it shared out"), pool);
    for (const row of event.rows) {
      const own = row.fields as Decision;
      body.append(h("div", { class: "about" },
        h("h4", {}, h("a", { href: `#/workload/${row.ref}` }, row.name ?? `#${row.ref}`), ...outcomes(own.outcome).map(outcomeTag), h("span", { class: "of" }, changes(own))),
        decisionTable(own), reasons(own)));
    }
    parts.push(body);
    detail.replaceChildren(...parts.filter((part) => part !== null));
  }
  function writing(event: HostEvent): HTMLElement {
    const from = numberOf(event.fields, "trigger_time_ns");
    const to = numberOf(event.fields, "written_time_ns");
    return h("dl", { class: "facts" },
      h("dt", {}, "file"), h("dd", {}, textOf(event.fields, "file") ?? show.ABSENT),
      h("dt", {}, "value"), h("dd", {}, `${textOf(event.fields, "value_before") ?? "?"} → ${textOf(event.fields, "value_after") ?? "?"}`),
      ...(from !== undefined && to !== undefined ? [h("dt", { title: "From the kernel's first refusal to the limit in the file" }, "reaction"), h("dd", {}, show.duration(to - from))] : []));
  }

  function update(): void {
    const wanted = filter.value.trim().toLowerCase();
    const list = [...events.values()].filter((event) => (withActuations || event.kind !== "actuation") &&
      (!wanted || `${who(event)} ${sentence(event)} ${textOf(event.fields, "trigger")} ${event.rows.map((row) => `${row.name} ${textOf(row.fields, "reason")} ${textOf(row.fields, "outcome")}`).join(" ")}`.toLowerCase().includes(wanted)));
    grid.setItems(list);
    setText(counted, list.length ? `${list.length}` : "");
    const newest = list.reduce<HostEvent | undefined>((best, event) => (event.kind === "decision" && (!best || event.sequence > best.sequence) ? event : best), undefined);
    if (isFollowing && newest) explainOne(newest);
    if (!detail.firstChild) detail.append(h("p", { class: "note pad" }, "Choose a decision to see its inputs, what bound it and why."));
  }
  async function load(): Promise<void> {
    const answer = await ask<{ events: HostEvent[] }>(`decisions?limit=${MOST}`);
    for (const event of answer?.events ?? []) events.set(event.sequence, event);
    update();
    const asked = id === undefined ? undefined : [...events.values()].find((event) => event.kind === "decision" && numberOf(event.fields, "decision_id") === id);
    if (asked) explainOne(asked);
    else if (id !== undefined) detail.replaceChildren(h("p", { class: "note pad" }, `Decision #${id} is no longer kept; ballast replay finds it in the flight recorder.`));
  }
  let isPending = false;
  const stops = [
    store.onEvent.on((event) => {
      if (!KINDS.has(event.kind)) return;
      events.set(event.sequence, event);
      while (events.size > MOST) events.delete(events.keys().next().value!);
      // A burst of decisions is drawn once.
      if (isPending) return;
      isPending = true;
      setTimeout(() => {
        isPending = false;
        update();
      }, 250);
    }),
  ];
  filter.addEventListener("input", update);
  both.addEventListener("click", () => {
    withActuations = !withActuations;
    both.setAttribute("aria-pressed", String(withActuations));
    update();
  });
  queueMicrotask(() => void load());
  const step = (by: number) => {
    grid.move(by);
    grid.openCurrent();
  };
  return {
    element,
    title: "Decisions",
    keys: [
      { keys: ["j", "ArrowDown"], what: "next decision", run: () => step(1) },
      { keys: ["k", "ArrowUp"], what: "previous decision", run: () => step(-1) },
      { keys: ["/"], what: "filter", run: () => filter.focus() },
      { keys: ["r"], what: "reverse the order", run: () => grid.reverse() },
      { keys: ["Enter"], what: "leave the filter", run: () => filter.blur() },
      { keys: ["Escape"], what: "leave the filter, else back to the fleet", run: () => (document.activeElement === filter ? filter.blur() : (location.hash = "#/")) },
    ],
    destroy: () => stops.forEach((stop) => stop()),
  };
}
