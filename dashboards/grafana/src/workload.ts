import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, heatmap, lines, mark, quantiles, table, workload } from "./panels.js";

const one = 'instance=~"$instance", id=~"$workload"';

/** One agent on one time axis: its tool calls, what they used, what held them back, what was decided. */
export const single = dashboard("workload", "Workload", "One workload in depth; tool calls are marked on every time axis.")
  .withVariable(workload)
  .annotation(mark("Tool calls", `sum by (program) (increase(ballast_tool_calls_total{${one}}[$__rate_interval])) > 0`, "blue"))
  .annotation(mark("OOM kills", `sum by (cause) (increase(ballast_oom_kills_total{${one}}[$__rate_interval])) > 0`, "red"))
  .withRow(new RowBuilder("CPU"))
  .withPanel(lines("Use, demand and limit", [
    [`sum(rate(container_cpu_usage_seconds_total{${one}}[$__rate_interval]))`, "use"],
    [`ballast_cpu_peak_cores{${one}}`, "peak of {{window}}"],
    [`ballast_demand_cpu_cores{${one}}`, "demand"],
    [`ballast_limit_cpu_cores{${one}}`, "limit decided"],
    [`container_spec_cpu_quota{${one}} / container_spec_cpu_period{${one}}`, "limit in force"],
  ]))
  .withPanel(lines("Preempted", [[`sum by (by) (rate(ballast_preemptions_total{${one}}[$__rate_interval]))`, "by {{by}}"]], { unit: "ops", help: "Switches away from a task that could have gone on, by whose task came next." }))
  .withPanel(lines("User and system", [
    [`rate(container_cpu_user_seconds_total{${one}}[$__rate_interval])`, "user"],
    [`rate(container_cpu_system_seconds_total{${one}}[$__rate_interval])`, "system"],
  ]))
  .withPanel(heatmap("Waiting for a CPU that others use", "ballast_run_queue_wait_seconds", one))
  .withPanel(heatmap("Waiting for its own quota", "ballast_own_throttle_wait_seconds", one))
  .withPanel(lines("Who held the CPU", [[`topk(5, rate(ballast_blame_wait_seconds_total{${one}}[$__rate_interval]))`, "{{holder_name}} {{holder_id}}"]], { unit: "s" }))
  .withPanel(lines("Pressure", [
    [`rate(container_pressure_cpu_waiting_seconds_total{${one}}[$__rate_interval])`, "CPU"],
    [`rate(container_pressure_memory_waiting_seconds_total{${one}}[$__rate_interval])`, "memory"],
    [`rate(container_pressure_io_waiting_seconds_total{${one}}[$__rate_interval])`, "I/O"],
  ], { unit: "percentunit" }))
  .withRow(new RowBuilder("Memory"))
  .withPanel(lines("Use, demand and limit", [
    [`container_memory_working_set_bytes{${one}}`, "working set"],
    [`ballast_memory_peak_bytes{${one}}`, "peak"],
    [`ballast_demand_memory_bytes{${one}}`, "demand"],
    [`ballast_limit_memory_bytes{${one}} > 0`, "limit decided"],
    [`container_spec_memory_limit_bytes{${one}} > 0`, "limit in force"],
  ], { unit: "bytes" }))
  .withPanel(lines("What it is", [
    [`container_memory_rss{${one}}`, "anonymous"],
    [`container_memory_cache{${one}}`, "page cache"],
    [`container_memory_swap{${one}}`, "swap"],
    [`container_memory_kernel_usage{${one}}`, "kernel"],
  ], { unit: "bytes" }))
  .withPanel(lines("Limits met", [[`rate(ballast_memory_events_total{${one}}[$__rate_interval])`, "{{event}}"]], { unit: "ops" }))
  .withPanel(lines("Reclaim", [
    [`rate(ballast_reclaim_wait_seconds_sum{${one}}[$__rate_interval])`, "waited, {{kind}}"],
  ], { unit: "s" }))
  .withPanel(lines("Wanted back", [
    [`rate(ballast_memory_refaults_total{${one}}[$__rate_interval])`, "refaults, {{kind}}"],
    [`rate(container_memory_failures_total{${one}, failure_type="pgmajfault"}[$__rate_interval])`, "major faults"],
  ], { unit: "ops", width: 24 }))
  .withRow(new RowBuilder("I/O and network"))
  .withPanel(lines("Block I/O", [
    [`rate(container_fs_reads_bytes_total{${one}}[$__rate_interval])`, "read {{device}}"],
    [`rate(container_fs_writes_bytes_total{${one}}[$__rate_interval])`, "write {{device}}"],
  ], { unit: "Bps" }))
  .withPanel(heatmap("Block latency", "ballast_block_latency_seconds", one))
  .withPanel(lines("Network", [
    [`rate(container_network_receive_bytes_total{${one}}[$__rate_interval])`, "receive {{interface}}"],
    [`rate(container_network_transmit_bytes_total{${one}}[$__rate_interval])`, "transmit {{interface}}"],
  ], { unit: "Bps", width: 24 }))
  .withRow(new RowBuilder("Tool calls"))
  .withPanel(lines("Duration", quantiles("ballast_tool_call_duration_seconds", one), { unit: "s" }))
  .withPanel(table("By program", [
    [`sum by (program) (increase(ballast_tool_calls_total{${one}}[$__range]))`, "calls"],
    [`max by (program) (ballast_tool_resident_peak_bytes{${one}})`, "peak bytes"],
  ], { width: 12 }));
