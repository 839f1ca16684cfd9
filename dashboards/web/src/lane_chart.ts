// Tool calls as bars on the time axis of the charts below it.

import type uPlot from "uplot";

import { axes, Chart, type ChartGroup } from "./charts";
import { h, setText } from "./dom";
import { packLanes, type Span } from "./lanes";
import { color, faded } from "./theme";

const LANE_HEIGHT = 18;
const MOST_LANES = 6;

function tintOf(label: string): string {
  let hash = 0;
  for (const letter of label.split(" ")[0] ?? "") hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return color(`span-${hash % 6}`);
}

export class LaneChart extends Chart {
  private spans: Span[] = [];
  private lanes: number[] = [];
  private text = h("span", { class: "note" });
  constructor(group: ChartGroup, private none: string) {
    super(group, "Tool calls", "One bar per tool call, from exec to exit", LANE_HEIGHT + 34);
    this.legend.append(this.text);
    setText(this.text, none);
  }

  setSpans(spans: Span[]): void {
    this.spans = spans.toSorted((a, b) => a.begin - b.begin);
    this.lanes = packLanes(this.spans, MOST_LANES);
    const count = Math.max(1, ...this.lanes.map((lane) => lane + 1));
    const height = count * LANE_HEIGHT + 34;
    if (height !== this.height) {
      this.height = height;
      this.resize();
    }
    this.describe(null);
  }

  protected override options() {
    return {
      series: [{}, {}],
      axes: axes(() => "", () => []),
      scales: { x: { time: true, auto: false }, y: { range: (): [number, number] => [0, 1] } },
      hooks: { draw: [(plot: uPlot) => this.paint(plot)] },
    };
  }

  protected override data(): uPlot.AlignedData {
    return [this.group.past.times, this.group.past.times.map(() => null)];
  }

  private paint(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${10.5 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left"; // uPlot leaves what its axes used
    this.spans.forEach((span, i) => {
      const left = plot.valToPos(span.begin, "x", true);
      const width = Math.max(2 * ratio, plot.valToPos(span.end, "x", true) - left);
      if (left > bbox.left + bbox.width || left + width < bbox.left) return;
      const top = bbox.top + this.lanes[i]! * LANE_HEIGHT * ratio + 1;
      const height = (LANE_HEIGHT - 3) * ratio;
      const tint = span.isBad ? color("bad") : tintOf(span.label);
      ctx.fillStyle = faded(tint, 0.28);
      ctx.fillRect(left, top, width, height);
      ctx.fillStyle = tint;
      ctx.fillRect(left, top, 2 * ratio, height);
      if (ctx.measureText(span.label).width + 10 * ratio > width) return;
      ctx.fillStyle = color("text");
      ctx.fillText(span.label, left + 6 * ratio, top + height / 2);
    });
    ctx.restore();
  }

  protected override describe(at: number | null): void {
    const time = at === null ? undefined : this.group.past.times[at];
    const under = time === undefined ? undefined : this.spans.find((span) => span.begin <= time && time <= span.end + 1);
    setText(this.text, under ? under.title : this.spans.length ? `${this.spans.length} ended in the time kept` : this.none);
  }
}
