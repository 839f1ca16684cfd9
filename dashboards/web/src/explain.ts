// A decision in words and figures: what went in, what bound, what came out, why.

import type { Decision, Fields, HostEvent, Limit } from "./api";
import { outcomes, outcomeTag } from "./cells";
import { h } from "./dom";
import * as show from "./format";

const BINDING: Record<string, string> = {
  demand: "it gets what it asks for",
  water_level: "the host is short: everybody gets the same per weight",
  coupled: "another resource is its bottleneck: as much as goes with it",
  ceiling: "its ceiling",
  guarantee: "its guarantee",
};

const TRIGGER: Record<string, string> = {
  throttle_begin: "its quota was used up",
  memory_limit: "its memory limit was hit",
  pressure: "it stalled",
  tick: "the regular turn",
};

interface Resource {
  label: string;
  tint: string;
  name: "cpu_millicores" | "memory_bytes";
  format: (value: number) => string;
}
const RESOURCES: Resource[] = [
  { label: "CPU, cores", tint: "cpu", name: "cpu_millicores", format: show.millicores },
  { label: "Memory", tint: "mem", name: "memory_bytes", format: show.bytes },
];
// In the order in which they lead to each other.
const STEPS = [
  ["demand", "What it would use if nothing held it back"],
  ["guarantee", "It never gets less where it asks for it"],
  ["ceiling", "It never gets more"],
  ["allocated", "The model's answer"],
  ["previous", "The limit before"],
  ["limit", "The limit after the guards"],
] as const;
const STEP_NAMES: Record<string, string> = { previous: "limit before", limit: "limit after" };

function direction(before: Limit | undefined, after: Limit | undefined): "" | "raise" | "lower" {
  const rank = (value: Limit | undefined) => (value === "max" ? Infinity : (value ?? NaN));
  return rank(after) > rank(before) ? "raise" : rank(after) < rank(before) ? "lower" : "";
}

// A column for each resource that it decided about. The texts of a row that changed both hold both, with "; " between.
export function decisionTable(d: Decision): HTMLElement {
  const there = RESOURCES.filter(({ name }) => d[`limit_${name}`] !== undefined || d[`demand_${name}`] !== undefined);
  const bindings = (d.binding ?? "").split(";").map((part) => part.trim());
  const body = h("tbody");
  for (const [step, hint] of STEPS) {
    if (there.every(({ name }) => d[`${step}_${name}`] === undefined)) continue;
    const line = h("tr", { class: step === "limit" ? "result" : "" }, h("th", { scope: "row", title: hint }, STEP_NAMES[step] ?? step));
    for (const { name, format } of there) {
      const value = d[`${step}_${name}`];
      const moved = step === "limit" ? direction(d[`previous_${name}`], value) : "";
      line.append(h("td", { class: value === undefined ? "absent" : moved }, show.limit(value, format)));
    }
    body.append(line);
  }
  if (d.binding)
    body.append(h("tr", {}, h("th", { scope: "row", title: "What set the amount" }, "bound by"),
      ...there.map((_, i) => h("td", { title: BINDING[bindings[i] ?? bindings[0]!] }, show.words(bindings[i] ?? bindings[0] ?? "")))));
  return h("table", { class: "explain" },
    h("thead", {}, h("tr", {}, h("th"), ...there.map(({ label, tint }) => h("th", { scope: "col" }, h("i", { class: `swatch ${tint}` }), label)))), body);
}

export function reasons(d: Decision): HTMLElement {
  const list = h("ol", { class: "reasons" });
  for (const reason of (d.reason ?? "").split(";").map((part) => part.trim()).filter(Boolean))
    list.append(h("li", {}, show.words(reason), BINDING[reason] ? h("span", { class: "of" }, ` – ${BINDING[reason]}`) : null));
  return list;
}

export function decisionHead(d: Decision): HTMLElement {
  return h("div", { class: "decision-head" },
    ...outcomes(d.outcome).map(outcomeTag),
    d.mode ? h("span", { class: "tag" }, `mode ${d.mode}`) : null,
    d.trigger ? h("span", { class: "of" }, `because ${TRIGGER[d.trigger] ?? show.words(d.trigger)}`) : null,
    typeof d.decision_id === "number" ? h("a", { class: "of", href: `#/decisions/${d.decision_id}` }, `#${d.decision_id}`) : null);
}

export function explain(d: Decision): HTMLElement {
  return h("div", { class: "explained" }, decisionHead(d), d.error ? h("p", { class: "bad" }, d.error) : null, decisionTable(d), reasons(d));
}

// The host's part of a decision: the pools that were shared out.
export function pools(fields: Fields): HTMLElement | null {
  const facts: [string, string, string][] = [];
  const add = (name: string, label: string, format: (v: number) => string, hint: string) => {
    const value = fields[name];
    if (typeof value === "number") facts.push([label, format(value), hint]);
  };
  add("capacity_cpu_millicores", "CPU capacity", show.millicores, "Cores that could be given out");
  add("water_level_cpu", "CPU water level", (v) => (v > 1e12 ? "none" : `${show.millicores(v)} cores per weight`), "λ: what everybody gets per unit of weight where the host is short");
  add("shadow_price_cpu", "CPU shadow price", (v) => v.toPrecision(3), "What one more unit would be worth; 0: nobody is short");
  add("capacity_memory_bytes", "Memory capacity", show.bytes, "Memory that could be given out");
  add("water_level_memory", "Memory water level", (v) => (v > 1e18 ? "none" : `${show.bytes(v)} per weight`), "λ of memory");
  add("shadow_price_memory", "Memory shadow price", (v) => v.toPrecision(3), "What one more unit would be worth; 0: nobody is short");
  add("objective", "Objective", (v) => v.toPrecision(5), "Of the allocation model: what was satisfied, summed");
  if (facts.length === 0) return null;
  return h("dl", { class: "facts" }, ...facts.flatMap(([label, value, hint]) => [h("dt", { title: hint }, label), h("dd", {}, value)]));
}

// An event in one line, for lists.
export function sentence(event: HostEvent): string {
  const text = event.fields["text"] ?? event.fields["error"] ?? event.fields["reason"];
  if (event.kind === "actuation") {
    const { file, value_before, value_after } = event.fields;
    if (typeof file === "string") return `${file.split("/").at(-1)}: ${value_before ?? "?"} → ${value_after ?? "?"}`;
  }
  if (event.kind === "tool_call") {
    const ns = event.fields["duration_ns"];
    return `${event.fields["program"] ?? "?"}${typeof ns === "number" ? `, ${show.duration(ns)}` : ""}`;
  }
  if (event.kind === "tool_begin") return `${event.fields["program"] ?? "?"}`;
  return typeof text === "string" ? text : "";
}
