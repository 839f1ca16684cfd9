import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, heatmap, lines, stat, table } from "./panels.js";

const here = 'instance=~"$instance"';

/** Demand, allocation, limits, slack and churn; the autoscaler's own account of its decisions. */
export const autoscaler = dashboard("autoscaler", "Autoscaler", "Demand, allocation, limits, slack, churn; how fast it answers.")
  .withPanel(stat("Holding", "max(ballast_autoscaler_held)", { help: "1: it keeps what is applied and decides nothing." }))
  .withPanel(stat("CPU slack", `1 - sum(ballast:cpu_usage_cores:rate1m{${here}}) / sum(ballast_limit_cpu_cores{${here}})`, { unit: "percentunit", help: "Of the limits, what is not used." }))
  .withPanel(stat("Memory slack", `1 - sum(container_memory_working_set_bytes{${here}} and ballast_limit_memory_bytes{${here}} > 0) / sum(ballast_limit_memory_bytes{${here}} > 0)`, { unit: "percentunit" }))
  .withPanel(stat("Limits written per minute", `60 * sum(rate(ballast_limit_changes_total{${here}}[$__rate_interval]))`))
  .withPanel(stat("Reaction p99", "histogram_quantile(0.99, sum by (le) (rate(ballast_autoscaler_reaction_seconds_bucket[$__range])))", { unit: "s", help: "From the kernel's first refusal to the raised limit in the file." }))
  .withPanel(stat("Journal waiting", "sum(ballast_autoscaler_journal_events)"))
  .withRow(new RowBuilder("What the model gave"))
  .withPanel(lines("CPU", [
    [`sum(ballast_demand_cpu_cores{${here}})`, "demand"],
    [`sum(ballast_allocated_cpu_cores{${here}})`, "allocated"],
    [`sum(ballast_limit_cpu_cores{${here}})`, "limits"],
    [`sum(ballast:cpu_usage_cores:rate1m{${here}})`, "use"],
    [`sum(ballast_capacity_cpu_cores{${here}})`, "capacity"],
  ]))
  .withPanel(lines("Memory", [
    [`sum(ballast_demand_memory_bytes{${here}})`, "demand"],
    [`sum(ballast_allocated_memory_bytes{${here}})`, "allocated"],
    [`sum(ballast_limit_memory_bytes{${here}})`, "limits"],
    [`sum(container_memory_working_set_bytes{${here}, id!="/"})`, "use"],
    [`sum(ballast_capacity_memory_bytes{${here}})`, "capacity"],
  ], { unit: "bytes" }))
  .withPanel(table("Who is short", [
    [`topk(20, ballast_demand_cpu_cores{${here}} - ballast_allocated_cpu_cores{${here}})`, "cores"],
    [`topk(20, ballast_demand_memory_bytes{${here}} - ballast_allocated_memory_bytes{${here}})`, "bytes"],
  ]))
  .withRow(new RowBuilder("What it did"))
  .withPanel(lines("Decisions", [["sum by (outcome) (rate(ballast_autoscaler_decisions_total[$__rate_interval]))", "{{outcome}}"]], { unit: "ops" }))
  .withPanel(lines("Actuations", [["sum by (outcome) (rate(ballast_autoscaler_actuations_total[$__rate_interval]))", "{{outcome}}"]], { unit: "ops" }))
  .withPanel(lines("Limits, the ten most changed", [[`topk(10, sum by (id) (rate(ballast_limit_changes_total{${here}}[$__rate_interval])))`, "{{id}}"]], { unit: "ops" }))
  .withPanel(lines("By direction", [[`sum by (resource, direction) (rate(ballast_limit_changes_total{${here}}[$__rate_interval]))`, "{{resource}} {{direction}}"]], { unit: "ops" }))
  .withPanel(heatmap("Reaction to a refusal", "ballast_autoscaler_reaction_seconds", ""))
  .withPanel(heatmap("Loop", "ballast_autoscaler_loop_duration_seconds", ""));
