import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, heatmap, lines, stat, table } from "./panels.js";

const here = 'instance=~"$instance"';
const all = `${here}, id!="/"`;

/** How full the host is, and who waits for whom. */
export const host = dashboard("host", "Host saturation and blame", "How full a host is, and who waits for whom.")
  .withPanel(stat("CPU used", `sum(rate(container_cpu_usage_seconds_total{${all}}[$__rate_interval])) / sum(machine_cpu_cores{${here}})`, { unit: "percentunit" }))
  .withPanel(stat("Memory available", `sum(ballast_host_memory_available_bytes{${here}})`, { unit: "bytes" }))
  .withPanel(stat("CPU demand of capacity", `sum(ballast_demand_cpu_cores{${all}}) / sum(ballast_capacity_cpu_cores{${here}})`, { unit: "percentunit" }))
  .withPanel(stat("Memory demand of capacity", `sum(ballast_demand_memory_bytes{${all}}) / sum(ballast_capacity_memory_bytes{${here}})`, { unit: "percentunit" }))
  .withPanel(stat("Water level, CPU", `min(ballast_water_level_cpu_cores{${here}})`, { help: "Cores per unit of weight at which the host is full; infinite: nobody is short." }))
  .withPanel(stat("Water level, memory", `min(ballast_water_level_memory_bytes{${here}})`, { unit: "bytes" }))
  .withRow(new RowBuilder("Who waits for whom"))
  .withPanel(table("Blame", [[`topk(30, sum by (id, name, holder_id, holder_name) (rate(ballast_blame_wait_seconds_total{${here}}[$__rate_interval])))`, ""]], { unit: "s", help: "Seconds that the workload waited while the holder had the CPU, per second." }))
  .withPanel(lines("Time lost to each holder", [[`topk(10, sum by (holder_id, holder_name) (rate(ballast_blame_wait_seconds_total{${here}}[$__rate_interval])))`, "{{holder_name}} {{holder_id}}"]], { unit: "s" }))
  .withPanel(lines("Preemptions", [[`sum by (by) (rate(ballast_preemptions_total{${all}}[$__rate_interval]))`, "by {{by}}"]], { unit: "ops" }))
  .withRow(new RowBuilder("Saturation"))
  .withPanel(heatmap("Run-queue wait, all workloads", "ballast_run_queue_wait_seconds", all))
  .withPanel(heatmap("Block latency, all workloads", "ballast_block_latency_seconds", all))
  .withPanel(lines("Pressure of the host", [
    [`rate(container_pressure_cpu_waiting_seconds_total{${here}, id="/"}[$__rate_interval])`, "CPU"],
    [`rate(container_pressure_memory_waiting_seconds_total{${here}, id="/"}[$__rate_interval])`, "memory"],
    [`rate(container_pressure_io_waiting_seconds_total{${here}, id="/"}[$__rate_interval])`, "I/O"],
  ], { unit: "percentunit" }))
  .withPanel(lines("Busiest devices", [[`topk(10, sum by (device) (rate(container_fs_reads_bytes_total{${here}}[$__rate_interval]) + rate(container_fs_writes_bytes_total{${here}}[$__rate_interval])))`, "{{device}}"]], { unit: "Bps" }))
  .withPanel(lines("Block I/O of nobody", [[`rate(ballast_io_unattributed_bytes_total{${here}}[$__rate_interval])`, "{{instance}}"]], { unit: "Bps", width: 24 }));
