// What cells of the tables are made of: numbers over meters, small charts, tags.

import type { Decision, Limit, Row } from "./api";
import { h, setClass, setText, setTitle } from "./dom";
import * as show from "./format";
import type { Column } from "./grid";
import { SPARK_POINTS, store } from "./store";
import { color, faded, isDark } from "./theme";

export function dash(cell: HTMLElement, value: string | undefined, signal?: string, otherwise?: string): void {
  setText(cell, value ?? show.ABSENT);
  cell.classList.toggle("absent", value === undefined);
  setTitle(cell, value === undefined ? store.whyAbsent(signal, otherwise) : "");
}

// "0.42 / 1.00" over a bar that fills towards the limit.
export function meter<T>(
  use: (item: T) => number | undefined,
  limit: (item: T) => Limit | undefined,
  format: (value: number) => string,
  tint: string,
): Column<T>["make"] {
  return (cell) => {
    const number = h("span", { class: "use" });
    const of = h("span", { class: "of" });
    const bar = h("i");
    const track = h("span", { class: `meter ${tint}` }, bar);
    cell.append(h("span", { class: "meter-text" }, number, of), track);
    return (item) => {
      const used = use(item);
      const top = limit(item);
      const bound = show.finite(top);
      dash(number, used === undefined ? undefined : format(used));
      setText(of, used === undefined ? "" : bound === undefined ? (top === "max" ? " / ∞" : "") : ` / ${format(bound)}`);
      setTitle(of, top === "max" ? "no limit is set" : "");
      const share = used === undefined || !bound ? 0 : Math.min(1, used / bound);
      bar.style.width = `${(share * 100).toFixed(1)}%`;
      setClass(bar, show.severity(bound ? share : undefined, 0.8, 0.95));
      track.classList.toggle("none", bound === undefined);
    };
  };
}

export function figure<T>(
  value: (item: T) => number | undefined,
  format: (value: number) => string,
  grade: (value: number) => "" | "warn" | "bad" | "quiet" = () => "",
  signal?: string,
  otherwise?: string,
): Column<T>["make"] {
  return (cell) => {
    const text = h("span", { class: "num" });
    cell.append(text);
    return (item) => {
      const v = value(item);
      setClass(text, `num ${v === undefined ? "" : v === 0 ? "quiet" : grade(v)}`);
      dash(text, v === undefined ? undefined : format(v), signal, otherwise);
    };
  };
}

const KIND_MARK: Record<string, string> = { container: "C", vm: "VM", slice: "S" };
export const nameCell: Column<Row>["make"] = (cell) => {
  const kind = h("span", { class: "kind" });
  const name = h("span", { class: "name" });
  const path = h("span", { class: "path" });
  cell.append(kind, name, path);
  cell.classList.add("who");
  return (row) => {
    setText(kind, KIND_MARK[row.kind] ?? "?");
    setClass(kind, `kind ${row.kind}`);
    setTitle(kind, `${row.kind}${row.runtime ? `, ${row.runtime}` : ""}`);
    setText(name, row.name);
    const parent = (row.path ?? "").split("/").slice(0, -1).join("/");
    setText(path, row.agent ?? row.pod ?? parent);
    setTitle(cell, row.path ?? row.name);
  };
};

// Two minutes of CPU use with the limit as a dashed line.
// The size is told, not measured: measuring in every row would lay the table out
// again for each of them.
export function drawSpark(canvas: HTMLCanvasElement, values: Float32Array, limit: number | undefined, width = 112, height = 24): void {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  let top = 0.05;
  for (const value of values) if (value > top) top = value;
  if (limit !== undefined && limit < top * 3) top = Math.max(top, limit);
  const x = (i: number) => (i / (SPARK_POINTS - 1)) * width;
  const y = (value: number) => height - 1.5 - (value / top) * (height - 3);
  if (limit !== undefined && limit <= top) {
    context.strokeStyle = color("limit");
    context.lineWidth = 1;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(0, y(limit));
    context.lineTo(width, y(limit));
    context.stroke();
    context.setLineDash([]);
  }
  const tinted = color("cpu");
  context.beginPath();
  let began = -1;
  const area = new Path2D();
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    if (began < 0) {
      began = i;
      context.moveTo(x(i), y(value));
      area.moveTo(x(i), height);
    } else context.lineTo(x(i), y(value));
    area.lineTo(x(i), y(value));
  });
  if (began < 0) return;
  area.lineTo(width, height);
  area.closePath();
  context.fillStyle = faded(tinted, 0.16);
  context.fill(area);
  context.strokeStyle = tinted;
  context.lineWidth = 1.25;
  context.lineJoin = "round";
  context.stroke();
}

export const sparkCell: Column<Row>["make"] = (cell) => {
  const canvas = h("canvas", { class: "spark", "aria-hidden": "true" });
  cell.append(canvas);
  let drawn = "";
  return (row) => {
    const spark = store.sparks.get(row.ref);
    const limit = show.finite(row.cpu_limit_cores);
    const wanted = `${row.ref} ${spark?.pushed} ${limit} ${isDark()}`;
    if (drawn === wanted) return;
    drawn = wanted;
    if (spark) drawSpark(canvas, spark.values, limit);
    else canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
  };
};

// Three small bars: stalled on CPU, memory, I/O; by the root, or a tenth would not be seen.
const PRESSURES = [
  ["cpu", "pressure_cpu_share"],
  ["mem", "pressure_memory_share"],
  ["io", "pressure_io_share"],
] as const;
export function worstPressure(row: Row): number | undefined {
  const known = PRESSURES.map(([, field]) => row[field]).filter((value) => value !== undefined);
  return known.length ? Math.max(...known) : undefined;
}
export const pressureCell: Column<Row>["make"] = (cell) => {
  const none = h("span", { class: "num absent" }, show.ABSENT);
  const bars = PRESSURES.map(([name]) => h("i", { class: name }));
  const box = h("span", { class: "bars" }, ...bars);
  const text = h("span", { class: "num" });
  cell.append(none, box, text);
  return (row) => {
    const worst = worstPressure(row);
    none.hidden = worst !== undefined;
    box.hidden = text.hidden = worst === undefined;
    if (worst === undefined) return setTitle(none, store.whyAbsent("pressure"));
    PRESSURES.forEach(([, field], i) => {
      bars[i]!.style.height = `${Math.max(6, Math.sqrt(Math.min(1, row[field] ?? 0)) * 100).toFixed(0)}%`;
    });
    setText(text, show.percent(worst));
    setClass(text, `num ${worst < 0.005 ? "quiet" : show.severity(worst, 0.1, 0.3)}`);
    setTitle(cell, PRESSURES.map(([name, field]) => `${name} ${row[field] === undefined ? show.ABSENT : show.percent(row[field]!)}`).join(" · ") + " of the last second stalled");
  };
};

// "1.00 → 1.60" where it changed.
export function change(before: Limit | undefined, after: Limit | undefined, format: (v: number) => string): string {
  if (after === undefined) return "";
  const to = show.limit(after, format);
  return before === undefined || before === after ? to : `${show.limit(before, format)} → ${to}`;
}
export function changes(decision: Decision): string {
  const cpu = change(decision.previous_cpu_millicores, decision.limit_cpu_millicores, show.millicores);
  const memory = change(decision.previous_memory_bytes, decision.limit_memory_bytes, show.bytes);
  return [cpu && `cpu ${cpu}`, memory && `mem ${memory}`].filter(Boolean).join(", ");
}
// "applied; applied" is one word to a reader.
export function outcomes(text: string | undefined): string[] {
  return [...new Set((text ?? "").split(";").map((part) => part.trim()).filter(Boolean))];
}
const OUTCOMES = new Set(["applied", "recommended", "held", "refused", "failed"]);
export function outcomeTag(outcome: string): HTMLElement {
  return h("span", { class: `tag ${OUTCOMES.has(outcome) ? outcome : ""}` }, outcome);
}
export const decisionCell: Column<Row>["make"] = (cell) => {
  const tag = h("span", { class: "tag" });
  const text = h("span", { class: "decision-text" });
  cell.append(tag, text);
  return (row) => {
    const decision = row.decision;
    const outcome = outcomes(decision?.outcome).at(-1);
    tag.hidden = outcome === undefined;
    setText(tag, outcome ?? "");
    setClass(tag, `tag ${outcome && OUTCOMES.has(outcome) ? outcome : ""}`);
    setText(text, decision ? changes(decision) : show.ABSENT);
    text.classList.toggle("absent", !decision);
    setTitle(cell, decision ? (decision.error ?? decision.reason ?? "") : "no decision about it yet");
  };
};
