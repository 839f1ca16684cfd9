// The pieces that every dashboard is made of: one look, one data source, variables that are always matched with =~.

import * as annotation from "@grafana/grafana-foundation-sdk/dashboard";
import {
  DashboardBuilder, DashboardCursorSync, DatasourceVariableBuilder, QueryVariableBuilder, VariableRefresh, VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as Heatmap } from "@grafana/grafana-foundation-sdk/heatmap";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";

export const source = { type: "prometheus", uid: "${datasource}" };

/** Units as Grafana names them. */
export type Unit = "bytes" | "Bps" | "s" | "percentunit" | "short" | "iops" | "ops";

/** One query: its expression and what its series are called. */
export type Query = readonly [expr: string, legend: string];

interface Options {
  unit?: Unit;
  width?: number; // of 24
  max?: number;
  help?: string;
}

function queries(list: readonly Query[], instant = false): DataqueryBuilder[] {
  return list.map(([expr, legend], index) => {
    const query = new DataqueryBuilder().expr(expr).legendFormat(legend).refId(String.fromCharCode(65 + index)).datasource(source);
    return instant ? query.instant().format(PromQueryFormat.Table) : query.range();
  });
}

export function lines(title: string, list: readonly Query[], options: Options = {}): TimeSeries {
  const panel = new TimeSeries().title(title).datasource(source).targets(queries(list)).unit(options.unit ?? "short")
    .min(0).lineWidth(1).fillOpacity(8).height(8).span(options.width ?? 12);
  if (options.max !== undefined) panel.max(options.max);
  if (options.help) panel.description(options.help);
  return panel;
}

export function stat(title: string, expr: string, options: Options = {}): Stat {
  const panel = new Stat().title(title).datasource(source).targets(queries([[expr, ""]])).unit(options.unit ?? "short")
    .height(4).span(options.width ?? 4);
  if (options.help) panel.description(options.help);
  return panel;
}

export function table(title: string, list: readonly Query[], options: Options = {}): Table {
  const panel = new Table().title(title).datasource(source).targets(queries(list, true)).unit(options.unit ?? "short")
    .height(9).span(options.width ?? 24)
    .withTransformation({ id: "merge", options: {} })
    .withTransformation({ id: "organize", options: { excludeByName: { Time: true, __name__: true, job: true } } });
  if (options.help) panel.description(options.help);
  return panel;
}

/** Durations over time, from a histogram's buckets. */
export function heatmap(title: string, histogram: string, selector: string, options: Options = {}): Heatmap {
  const query = new DataqueryBuilder().expr(`sum by (le) (increase(${histogram}_bucket{${selector}}[$__rate_interval]))`)
    .legendFormat("{{le}}").format(PromQueryFormat.Heatmap).range().datasource(source);
  return new Heatmap().title(title).datasource(source).withTarget(query).unit("s").height(8).span(options.width ?? 12)
    .description(options.help ?? "");
}

export function quantiles(histogram: string, selector: string): Query[] {
  return [0.5, 0.99].map((q) =>
    [`histogram_quantile(${q}, sum by (le) (rate(${histogram}_bucket{${selector}}[$__rate_interval])))`, `p${q * 100}`] as const);
}

function variable(name: string, query: string, multi: boolean): QueryVariableBuilder {
  return new QueryVariableBuilder(name).datasource(source).query(query).refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc).multi(multi).includeAll(multi).allValue(multi ? ".+" : "");
}

export const instances = variable("instance", "label_values(ballast_workloads_tracked, instance)", true);
export const workload = variable("workload", 'label_values(ballast_workload_info{instance=~"$instance"}, id)', false);
export const domain = variable("vm", 'label_values(vm_vcpus{instance=~"$instance"}, id)', true);

export function dashboard(uid: string, title: string, about: string): DashboardBuilder {
  return new DashboardBuilder(`Ballast / ${title}`).uid(`ballast-${uid}`).description(about).tags(["ballast"])
    .refresh("10s").time({ from: "now-15m", to: "now" }).timezone("browser").readonly().tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"))
    .withVariable(instances);
}

/** A mark on the time axis wherever the expression has a sample. */
export function mark(name: string, expr: string, color: string): annotation.AnnotationQueryBuilder {
  return new annotation.AnnotationQueryBuilder().name(name).datasource(source).enable(true).iconColor(color).expr(expr);
}
