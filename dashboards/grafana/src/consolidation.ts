import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, lines, stat, table } from "./panels.js";

const here = 'instance=~"$instance"';

/** What `ballast solve consolidation --metrics FILE` wrote last, wherever it runs; below it what the hosts say by themselves. */
export const consolidation = dashboard("consolidation", "Consolidation", "How few hosts carry the fleet: the certified answer of the last solve, and how full each host is by demand.")
  .withRow(new RowBuilder("Certified plan: ballast solve consolidation --metrics"))
  .withPanel(stat("Hosts now", "max(ballast_consolidation_hosts_now)"))
  .withPanel(stat("Hosts planned", "max(ballast_consolidation_hosts_planned)"))
  .withPanel(stat("Lower bound", "max(ballast_consolidation_cost_lower_bound)", { help: "In units of cost: hosts where each costs 1. No placement costs less." }))
  .withPanel(stat("Gap", "max(ballast_consolidation_gap_ratio)", { unit: "percentunit", help: "Cost of the plan over the bound; 0 is proven optimal." }))
  .withPanel(stat("Migrations planned", "max(ballast_consolidation_moves_planned)"))
  .withPanel(stat("Age of the plan", "time() - max(ballast_consolidation_solved_timestamp_seconds)", { unit: "s" }))
  .withPanel(lines("Hosts: now, planned, bound", [
    ["max(ballast_consolidation_hosts_now)", "now"], ["max(ballast_consolidation_hosts_planned)", "planned"], ["max(ballast_consolidation_cost_lower_bound)", "lower bound (cost)"]]))
  .withPanel(lines("Memory that the migrations carry", [["max(ballast_consolidation_move_bytes_planned)", "planned"]], { unit: "bytes" }))
  .withRow(new RowBuilder("By volume: what no placement can beat"))
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
