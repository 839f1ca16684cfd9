import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, lines, stat, table } from "./panels.js";

const all = 'instance=~"$instance", id!="/"';

/** Every workload of every host: who uses what, who is held back, who was hurt. */
export const fleet = dashboard("fleet", "Fleet", "Every workload of every host: use, limits, saturation, kills.")
  .withPanel(stat("Workloads", 'sum(ballast_workloads_tracked{instance=~"$instance"})'))
  .withPanel(stat("Hosts", 'count(machine_cpu_cores{instance=~"$instance"})'))
  .withPanel(stat("CPU used", `sum(rate(container_cpu_usage_seconds_total{${all}}[$__rate_interval])) / sum(machine_cpu_cores{instance=~"$instance"})`, { unit: "percentunit" }))
  .withPanel(stat("Memory used", `sum(container_memory_working_set_bytes{${all}}) / sum(machine_memory_bytes{instance=~"$instance"})`, { unit: "percentunit" }))
  .withPanel(stat("Waiting for CPU", `sum(rate(ballast_run_queue_wait_seconds_sum{${all}}[$__rate_interval]))`, { unit: "s", help: "Seconds waited per second, all workloads." }))
  .withPanel(stat("OOM kills", `sum(increase(container_oom_events_total{${all}}[$__range]))`))
  .withRow(new RowBuilder("Use"))
  .withPanel(lines("CPU, the ten busiest", [[`topk(10, sum by (instance, id, name) (rate(container_cpu_usage_seconds_total{${all}}[$__rate_interval])))`, "{{name}} {{id}}"]]))
  .withPanel(lines("Memory, the ten largest", [[`topk(10, container_memory_working_set_bytes{${all}})`, "{{name}} {{id}}"]], { unit: "bytes" }))
  .withRow(new RowBuilder("Saturation"))
  .withPanel(lines("Run-queue wait, the ten longest", [[`topk(10, rate(ballast_run_queue_wait_seconds_sum{${all}}[$__rate_interval]))`, "{{name}} {{id}}"]], { unit: "s", help: "Seconds that runnable tasks waited for others, per second." }))
  .withPanel(lines("Memory against its limit, the ten closest", [[`topk(10, ballast:memory_of_limit:ratio{${all}})`, "{{name}} {{id}}"]], { unit: "percentunit", max: 1 }))
  .withPanel(lines("Own throttling, the ten most held back", [[`topk(10, rate(ballast_own_throttle_wait_seconds_sum{${all}}[$__rate_interval]))`, "{{name}} {{id}}"]], { unit: "s" }))
  .withPanel(lines("Block latency, the ten slowest", [[`topk(10, ballast:block_latency_seconds:p99_5m{${all}})`, "{{id}} {{operation}}"]], { unit: "s" }))
  .withRow(new RowBuilder("Who they are"))
  .withPanel(table("Workloads", [
    [`ballast_workload_info{${all}}`, ""],
    [`sum by (instance, id) (rate(container_cpu_usage_seconds_total{${all}}[$__rate_interval]))`, "cores"],
  ]))
  .withPanel(table("Kills by cause", [[`ballast_oom_kills_total{${all}}`, ""]], { width: 12 }))
  .withPanel(table("Tool calls", [[`topk(20, sum by (program) (increase(ballast_tool_calls_total{${all}}[$__range])))`, ""]], { width: 12 }));
