// Latencies over time: a column a second, a cell for each power of two, darker where
// more was observed.

import type uPlot from "uplot";

import { axes, Chart, type ChartGroup } from "./charts";
import { h, setText } from "./dom";
import * as show from "./format";
import { color, faded } from "./theme";

// Upper edges of the record's buckets are powers of two of a microsecond.
function bucketOf(ns: number): number {
  const us = ns / 1000;
  return us < 1 ? us : Math.log2(us) + 1;
}
const TENS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

export class HeatChart extends Chart {
  private text = h("span", { class: "note" });
  constructor(group: ChartGroup, title: string, hint: string, private name: string, private quantile?: string) {
    super(group, title, hint, 150);
    this.legend.append(this.text);
  }

  private get columns() {
    return this.group.past.heatmaps[this.name] ?? [];
  }

  private get edges(): [number, number] {
    let low = 27;
    let high = 1;
    for (const [, first, counts] of this.columns) {
      low = Math.min(low, first);
      high = Math.max(high, first + counts.length);
    }
    return low > high ? [0, 21] : [Math.max(0, Math.min(low, 6)), Math.max(high, 14)];
  }

  protected override options() {
    const stroke = color("heatline");
    return {
      series: [{}, { stroke, width: 1, points: { show: false } }],
      axes: axes(
        (value) => show.duration(value < 1 ? value * 1000 : 2 ** (value - 1) * 1000),
        (_u, _axis, min, max) => {
          const all = TENS.map(bucketOf).filter((at) => at >= min && at <= max);
          return all.length > 5 ? all.filter((_, i) => i % 2 === 0) : all;
        },
      ),
      scales: { x: { time: true, auto: false }, y: { range: (): [number, number] => this.edges } },
      hooks: { drawAxes: [(plot: uPlot) => this.paint(plot)] },
    };
  }

  protected override data(): uPlot.AlignedData {
    const { past } = this.group;
    const line = this.quantile ? past.series[this.quantile] : undefined;
    return [past.times, past.times.map((_, i) => {
      const value = line?.[i];
      return value === null || value === undefined ? null : bucketOf(value);
    })];
  }

  private paint(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const tint = color("heat");
    const range = this.group.range ?? { min: plot.scales["x"]!.min ?? 0, max: plot.scales["x"]!.max ?? 0 };
    let most = 1;
    for (const [ms, , counts] of this.columns) if (ms / 1000 >= range.min) for (const count of counts) most = Math.max(most, count);
    const scale = Math.log(most + 1);
    const shades = Array.from({ length: 24 }, (_, i) => faded(tint, 0.1 + (0.9 * i) / 23));
    for (const [ms, first, counts] of this.columns) {
      const right = Math.min(plot.valToPos(ms / 1000, "x", true), bbox.left + bbox.width);
      const left = Math.max(plot.valToPos(ms / 1000 - 1, "x", true), bbox.left);
      if (right <= left) continue;
      counts.forEach((count, i) => {
        if (count === 0) return;
        const bottom = Math.min(plot.valToPos(first + i, "y", true), bbox.top + bbox.height);
        const top = Math.max(plot.valToPos(first + i + 1, "y", true), bbox.top);
        if (bottom <= top) return;
        ctx.fillStyle = shades[Math.round((Math.log(count + 1) / scale) * 23)]!;
        ctx.fillRect(left, top, Math.max(1, right - left + 0.5), Math.max(1, bottom - top - 0.5));
      });
    }
  }

  protected override describe(at: number | null): void {
    const { past } = this.group;
    const time = past.times[at ?? past.times.length - 1];
    if (time === undefined) return;
    const column = this.columns.findLast((c) => Math.abs(c[0] / 1000 - time) < 0.6);
    const total = column?.[2].reduce((sum, count) => sum + count, 0) ?? 0;
    const p99 = this.quantile ? past.series[this.quantile]?.[at ?? past.times.length - 1] : undefined;
    setText(this.text, `${at === null ? "" : `${show.clock(time * 1000)} · `}${show.count(total)} in this second${typeof p99 === "number" ? ` · p99 ${show.duration(p99)}` : ""}`);
  }
}
