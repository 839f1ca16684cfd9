// Use as an area, limits as steps, demand dashed; red where the quota held it back.

import uPlot from "uplot";

import { axes, Chart, type ChartGroup, type Mark } from "./charts";
import { h, setText } from "./dom";
import * as show from "./format";
import { color, faded } from "./theme";

export interface Line {
  series: string;
  label: string;
  tint: string;
  style: "area" | "line" | "faint" | "dash" | "step";
}

function drawMarks(plot: uPlot, marks: Mark[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const mark of marks) {
    const x = plot.valToPos(mark.at, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const tint = color(mark.isRaise ? "raise" : "lower");
    ctx.strokeStyle = faded(tint, 0.35);
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const size = 3.5 * devicePixelRatio;
    const top = bbox.top + (mark.isRaise ? 2 * size : 0);
    ctx.fillStyle = tint;
    ctx.beginPath();
    ctx.moveTo(x - size, top);
    ctx.lineTo(x + size, top);
    ctx.lineTo(x, top + (mark.isRaise ? -1.6 : 1.6) * size);
    ctx.fill();
  }
  ctx.restore();
}

export interface LineChartOptions {
  title: string;
  hint?: string;
  lines: Line[];
  format: (value: number) => string;
  atLeast: number; // the axis reaches this far, so that noise near zero looks like noise
  shade?: { series: string; above: number; label: string }; // red where this series is above
  height?: number;
  marks?: boolean;
}

export class LineChart extends Chart {
  private lines: Line[];
  private values: HTMLElement[] = [];
  private note = h("span", { class: "note" });

  constructor(group: ChartGroup, private wish: LineChartOptions) {
    super(group, wish.title, wish.hint ?? "", wish.height ?? 168);
    this.lines = [];
  }

  protected override options() {
    const { group, wish } = this;
    this.lines = wish.lines.filter((line) => group.past.has(line.series));
    this.values = this.lines.map(() => h("b"));
    this.legend.replaceChildren(
      this.note,
      ...this.lines.map((line, i) => h("span", { class: "key" }, h("i", { class: `swatch ${line.style} ${line.tint}` }), `${line.label} `, this.values[i])),
    );
    const series: uPlot.Series[] = [{}];
    for (const line of this.lines) {
      const tint = color(line.tint);
      const one: uPlot.Series = { stroke: line.style === "faint" ? faded(tint, 0.45) : tint, width: line.style === "area" || line.style === "line" ? 1.5 : 1, points: { show: false }, spanGaps: false };
      if (line.style === "area") one.fill = faded(tint, 0.14);
      if (line.style === "dash") one.dash = [3, 4];
      if (line.style === "step") {
        one.dash = [7, 3];
        const stepped = uPlot.paths.stepped?.({ align: 1 });
        if (stepped) one.paths = stepped;
      }
      series.push(one);
    }
    return {
      series,
      axes: axes(wish.format),
      scales: {
        x: { time: true, auto: false },
        y: { range: (_: uPlot, __: number, max: number): [number, number] => [0, Math.max(wish.atLeast, (max ?? 0) * 1.08)] },
      },
      hooks: {
        drawClear: [(plot: uPlot) => this.shade(plot)],
        draw: [(plot: uPlot) => { if (wish.marks) drawMarks(plot, group.marks); }],
      },
    };
  }

  protected override data(): uPlot.AlignedData {
    const { past } = this.group;
    // A signal may appear later: the plot is made anew with it.
    const now = this.wish.lines.filter((line) => past.has(line.series)).length;
    if (this.plot && now !== this.lines.length) queueMicrotask(() => this.rebuild());
    return [past.times, ...this.lines.map((line) => past.series[line.series] ?? [])] as uPlot.AlignedData;
  }

  private shade(plot: uPlot): void {
    const { shade } = this.wish;
    const values = shade && this.group.past.series[shade.series];
    if (!shade || !values) return;
    const { ctx, bbox } = plot;
    const times = this.group.past.times;
    values.forEach((value, i) => {
      if (value === null || value < shade.above) return;
      const right = plot.valToPos(times[i]!, "x", true);
      const left = plot.valToPos(times[i]! - 1, "x", true);
      if (right < bbox.left || left > bbox.left + bbox.width) return;
      ctx.fillStyle = faded(color("bad"), 0.1 + 0.25 * Math.min(1, value));
      ctx.fillRect(Math.max(left, bbox.left), bbox.top, Math.min(right, bbox.left + bbox.width) - Math.max(left, bbox.left), bbox.height);
    });
  }

  protected override describe(at: number | null): void {
    const { past, marks } = this.group;
    const i = at ?? past.times.length - 1;
    this.lines.forEach((line, n) => {
      const value = past.series[line.series]?.[i];
      setText(this.values[n]!, value === null || value === undefined ? show.ABSENT : this.wish.format(value));
    });
    const time = past.times[i];
    const mark = at === null || !this.wish.marks || time === undefined ? undefined : marks.find((m) => Math.abs(m.at - time) <= 1);
    setText(this.note, mark ? `${mark.isRaise ? "▲" : "▼"} ${mark.label}` : at !== null && time !== undefined ? show.clock(time * 1000) : "");
  }
}
