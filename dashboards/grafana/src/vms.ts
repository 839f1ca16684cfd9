import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, domain, lines, table } from "./panels.js";

const vm = 'instance=~"$instance", id=~"$vm"';

/** What virtual machines cost the host; figures of the guest are never added to it. */
export const vms = dashboard("vms", "Virtual machines", "What each VM costs its host, and what its vCPUs wait for.")
  .withVariable(domain)
  .withRow(new RowBuilder("CPU"))
  .withPanel(lines("CPU time of vCPUs", [[`sum by (id) (rate(vm_vcpu_seconds_total{${vm}}[$__rate_interval]))`, "{{id}}"]]))
  .withPanel(lines("Steal: runnable and waiting", [[`sum by (id, vcpu) (rate(vm_vcpu_steal_seconds_total{${vm}}[$__rate_interval]))`, "{{id}} vCPU {{vcpu}}"]], { unit: "s" }))
  .withPanel(lines("Halted by the guest", [[`sum by (id) (rate(vm_vcpu_halt_seconds_total{${vm}}[$__rate_interval]))`, "{{id}}"]], { unit: "s" }))
  .withPanel(lines("Overhead of the VMM", [[`rate(vm_overhead_seconds_total{${vm}}[$__rate_interval])`, "{{id}}"]]))
  .withPanel(lines("Exits by reason", [[`sum by (reason) (rate(vm_exits_total{${vm}}[$__rate_interval]))`, "{{reason}}"]], { unit: "ops" }))
  .withPanel(lines("Time per exit", [[`sum by (reason) (rate(vm_exit_seconds_total{${vm}}[$__rate_interval])) / sum by (reason) (rate(vm_exits_total{${vm}}[$__rate_interval]))`, "{{reason}}"]], { unit: "s" }))
  .withRow(new RowBuilder("Memory and I/O"))
  .withPanel(lines("Memory", [
    [`vm_resident_bytes{${vm}}`, "resident {{id}}"],
    [`vm_balloon_bytes{${vm}}`, "left by the balloon {{id}}"],
    [`vm_memory_max_bytes{${vm}}`, "defined {{id}}"],
  ], { unit: "bytes" }))
  .withPanel(lines("Block I/O", [[`sum by (id) (rate(container_fs_reads_bytes_total{${vm}}[$__rate_interval]) + rate(container_fs_writes_bytes_total{${vm}}[$__rate_interval]))`, "{{id}}"]], { unit: "Bps" }))
  .withRow(new RowBuilder("Under libvirt's names"))
  .withPanel(table("Domains", [
    ['libvirt_domain_info_virtual_cpus{instance=~"$instance"}', "vCPUs"],
    ['libvirt_domain_info_memory_usage_bytes{instance=~"$instance"}', "memory"],
  ]));
