// Charts that share one time axis and one cursor. What they show: line_chart.ts,
// heat_chart.ts, lane_chart.ts.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { h } from "./dom";
import * as show from "./format";
import type { Past } from "./history";
import { color, onTheme } from "./theme";

// A moment at which something was decided, drawn through the charts.
export interface Mark {
  at: number; // seconds since 1970
  label: string;
  isRaise: boolean;
}

const AXIS_WIDTH = 76;
const FONT = "11px system-ui, sans-serif";
let groups = 0;
// Canvases know no style sheet.
const live = new Set<ChartGroup>();
onTheme(() => live.forEach((group) => group.repaint()));

export class ChartGroup {
  readonly key = `group-${++groups}`;
  readonly element = h("div", { class: "charts" });
  marks: Mark[] = [];
  seconds = 600;
  private zoomed = false;
  private charts: Chart[] = [];
  private watcher = new ResizeObserver(() => this.charts.forEach((chart) => chart.resize()));

  constructor(readonly past: Past) {
    live.add(this);
    this.watcher.observe(this.element);
  }

  add(chart: Chart): void {
    this.charts.push(chart);
    this.element.append(chart.element);
  }
  show(seconds: number): void {
    this.seconds = seconds;
    this.zoomed = false;
    this.update();
  }
  zoom(): void {
    this.zoomed = true;
  }
  unzoom(): void {
    this.zoomed = false;
    this.update();
  }
  get range(): { min: number; max: number } | undefined {
    if (this.zoomed) return undefined;
    const now = this.past.times.at(-1) ?? Date.now() / 1000;
    // A young history fills the width, but a minute is the least that a chart shows.
    const first = Math.min(this.past.times[0] ?? now, now - 60);
    return { min: Math.max(now - this.seconds, first), max: now };
  }
  update(): void {
    for (const chart of this.charts) chart.update();
  }
  repaint(): void {
    for (const chart of this.charts) chart.rebuild();
  }
  destroy(): void {
    live.delete(this);
    this.watcher.disconnect();
    for (const chart of this.charts) chart.destroy();
  }
}

// What all three have in common: a panel with a title line over a plot.
export abstract class Chart {
  readonly element: HTMLElement;
  protected legend = h("div", { class: "legend" });
  protected box = h("div", { class: "plot" });
  protected plot: uPlot | undefined;
  protected height: number;

  constructor(
    protected group: ChartGroup,
    title: string,
    hint: string,
    height: number,
  ) {
    this.height = height;
    this.element = h("section", { class: "panel chart", "data-chart": title },
      h("header", {}, h("h3", { title: hint }, title), this.legend), this.box);
  }

  protected abstract options(): Partial<uPlot.Options> & { series: uPlot.Series[] };
  protected abstract data(): uPlot.AlignedData;
  protected abstract describe(at: number | null): void;

  update(): void {
    if (!this.plot) this.build();
    const plot = this.plot;
    if (!plot) return;
    const range = this.group.range;
    plot.batch(() => {
      plot.setData(this.data(), false);
      if (range) plot.setScale("x", range);
      else plot.redraw();
    });
    this.describe(plot.cursor.idx ?? null);
  }
  resize(): void {
    const width = this.box.clientWidth;
    if (!this.plot) this.update();
    else if (width > 0 && (this.plot.width !== width || this.plot.height !== this.height))
      this.plot.setSize({ width, height: this.height });
  }
  rebuild(): void {
    this.destroy();
    this.update();
  }
  destroy(): void {
    this.plot?.destroy();
    this.plot = undefined;
  }

  private build(): void {
    const width = this.box.clientWidth;
    if (width === 0) return;
    const { hooks, ...own } = this.options();
    const { group } = this;
    const options: uPlot.Options = {
      width,
      height: this.height,
      pxAlign: true,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      focus: { alpha: 1 },
      cursor: {
        sync: { key: group.key },
        points: { size: 6 },
        drag: { x: true, y: false, setScale: true },
        bind: {
          dblclick: () => () => {
            group.unzoom();
            return null;
          },
        },
      },
      ...own,
      hooks: {
        ...hooks,
        setSelect: [() => group.zoom()],
        setCursor: [(plot) => this.describe(plot.cursor.idx ?? null)],
      },
    };
    this.plot = new uPlot(options, this.data(), this.box);
  }
}

// Amounts in bytes are split at whole KiB, MiB and GiB.
const BINARY_STEPS = Array.from({ length: 50 }, (_, i) => 2 ** i);
const isOfBytes = (format: (value: number) => string) => format === show.bytes || format === show.rate;

export function axes(format: (value: number) => string, splits?: uPlot.Axis.Splits): uPlot.Axis[] {
  const stroke = color("soft");
  const grid = { stroke: color("grid"), width: 1 };
  const ticks = { show: false };
  const vertical: uPlot.Axis = {
    stroke, grid, ticks, font: FONT, size: AXIS_WIDTH, gap: 6, space: 26,
    values: (_, values) => values.map((value) => (value === null ? "" : format(value))),
  };
  if (splits) vertical.splits = splits;
  if (isOfBytes(format)) vertical.incrs = BINARY_STEPS;
  return [
    {
      stroke, grid, ticks, font: FONT, size: 24, gap: 4, space: 80,
      values: (_, values) => values.map((value) => show.clock(value * 1000)),
    },
    vertical,
  ];
}
