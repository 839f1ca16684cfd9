import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, lines, stat, table } from "./panels.js";

const here = 'instance=~"$instance"';

/** How few hosts would do. The certified answer is `ballast solve consolidation`; this is the bound by volume. */
export const consolidation = dashboard("consolidation", "Consolidation", "How full each host is by demand, and how few would do by volume: a lower bound that no placement can beat.")
  .withPanel(stat("Hosts", `count(ballast_capacity_cpu_cores{${here}})`))
  .withPanel(stat("Needed by CPU", `ceil(sum(ballast_demand_cpu_cores{${here}}) / avg(ballast_capacity_cpu_cores{${here}}))`, { help: "Volume bound; equal hosts assumed." }))
  .withPanel(stat("Needed by memory", `ceil(sum(ballast_demand_memory_bytes{${here}}) / avg(ballast_capacity_memory_bytes{${here}}))`, { help: "Volume bound; equal hosts assumed." }))
  .withPanel(stat("Workloads per host", `sum(ballast_workloads_tracked{${here}}) / count(machine_cpu_cores{${here}})`))
  .withPanel(stat("Emptiest host, memory", `min(ballast:host_demand_memory_bytes:sum{${here}} / on (job, instance) ballast_capacity_memory_bytes{${here}})`, { unit: "percentunit" }))
  .withPanel(stat("Fullest host, memory", `max(ballast:host_demand_memory_bytes:sum{${here}} / on (job, instance) ballast_capacity_memory_bytes{${here}})`, { unit: "percentunit" }))
  .withRow(new RowBuilder("Hosts"))
  .withPanel(lines("Demand of capacity, CPU", [[`ballast:host_demand_cpu_cores:sum{${here}} / on (job, instance) ballast_capacity_cpu_cores{${here}}`, "{{instance}}"]], { unit: "percentunit" }))
  .withPanel(lines("Demand of capacity, memory", [[`ballast:host_demand_memory_bytes:sum{${here}} / on (job, instance) ballast_capacity_memory_bytes{${here}}`, "{{instance}}"]], { unit: "percentunit" }))
  .withPanel(lines("Workloads", [[`ballast_workloads_tracked{${here}}`, "{{instance}}"]]))
  .withPanel(lines("Pooling: peak of the sum to sum of peaks", [[`sum by (instance) (container_memory_working_set_bytes{${here}, id!="/"}) / sum by (instance) (ballast_memory_peak_bytes{${here}})`, "{{instance}}"]], { unit: "percentunit", help: "The smaller, the more a shared pool saves over a limit for each peak." }))
  .withRow(new RowBuilder("What a move would carry"))
  .withPanel(table("Largest workloads", [
    [`topk(30, ballast_demand_memory_bytes{${here}})`, "bytes"],
    [`topk(30, ballast_demand_cpu_cores{${here}})`, "cores"],
  ]));
