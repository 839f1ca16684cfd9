// Virtual machines: what each costs the host. Guest figures are never added to it.

import { ask, textOf, type Entities, type Row } from "./api";
import * as cells from "./cells";
import { Differences } from "./differences";
import { h } from "./dom";
import * as show from "./format";
import { Grid, type Column } from "./grid";
import { store } from "./store";
import type { View } from "./view";

interface Machine {
  row: Row;
  steal: number | undefined;
  halted: number | undefined;
  exits: number | undefined;
  reasons: string | undefined;
}

const ofRow = (make: Column<Row>["make"]): Column<Machine>["make"] => (cell) => {
  const fill = make(cell);
  return (machine) => fill(machine.row);
};

const columns: Column<Machine>[] = [
  { title: "VM", width: "minmax(170px, 2fr)", isText: true, by: (vm) => vm.row.name.toLowerCase(), make: ofRow(cells.nameCell) },
  { title: "Last 2 min", width: "124px", from: 620, isText: true, make: ofRow(cells.sparkCell) },
  { title: "CPU", width: "minmax(104px, 1fr)", by: (vm) => vm.row.cpu_cores, make: cells.meter((vm: Machine) => vm.row.cpu_cores, (vm) => vm.row.cpu_limit_cores ?? vm.row.vm_vcpus, show.cores, "cpu") },
  { title: "vCPUs", width: "66px", from: 480, by: (vm) => vm.row.vm_vcpus, make: cells.figure((vm) => vm.row.vm_vcpus, String) },
  { title: "Steal", width: "76px", from: 560, by: (vm) => vm.steal, hint: "vCPU threads runnable but waiting, of the time of all vCPUs", make: cells.figure((vm) => vm.steal, show.percent, (value) => show.severity(value, 0.02, 0.1)) },
  { title: "Halted", width: "76px", from: 820, by: (vm) => vm.halted, hint: "vCPUs halted by the guest, of the time of all vCPUs", make: cells.figure((vm) => vm.halted, show.percent) },
  { title: "Exits/s", width: "80px", from: 720, by: (vm) => vm.exits, make: cells.figure((vm) => vm.exits, show.count) },
  { title: "Most frequent exits", width: "minmax(150px, 1.4fr)", from: 1080, isText: true, by: (vm) => vm.reasons, make: (cell) => (vm) => cells.dash(cell, vm.reasons) },
  { title: "Resident", width: "96px", from: 640, by: (vm) => vm.row.vm_resident_bytes ?? vm.row.memory_bytes, hint: "Resident memory of the VMM, else what is charged to its group", make: cells.figure((vm) => vm.row.vm_resident_bytes ?? vm.row.memory_bytes, show.bytes) },
  { title: "Balloon / defined", width: "150px", from: 900, by: (vm) => vm.row.vm_memory_max_bytes, hint: "Memory the balloon leaves to the guest, of what it was defined with", make: cells.meter((vm: Machine) => vm.row.vm_balloon_bytes, (vm) => vm.row.vm_memory_max_bytes, show.bytes, "mem") },
];

export function vmsView(): View {
  const vcpus = new Differences();
  const exits = new Differences();
  const grid = new Grid<Machine>({
    columns,
    key: (vm) => vm.row.ref,
    open: (vm) => (location.hash = `#/workload/${vm.row.ref}`),
    sort: { column: 2, down: true },
    label: "Virtual machines",
    empty: () => (store.link === "connecting" ? "Waiting for the first record." : "No virtual machine on this host. QEMU, Firecracker, Kata and cloud-hypervisor machines appear here as they start."),
  });
  const element = h("main", { class: "view vms" }, h("div", { class: "title" }, h("h1", {}, "Virtual machines")), grid.element);

  function update(): void {
    const machines = new Map<number, Machine & { vcpuTime: number; stolen: number; halt: number; byReason: [string, number][] }>();
    for (const row of store.table.workloads)
      if (row.kind === "vm") machines.set(row.ref, { row, steal: undefined, halted: undefined, exits: undefined, reasons: undefined, vcpuTime: 0, stolen: 0, halt: 0, byReason: [] });
    const counts = new Map<number, number>();
    for (const vcpu of vcpus.entities) {
      const vm = machines.get(vcpu.parent);
      const stolen = vcpus.perSecond(vcpu.ref, "vcpu_steal_ns");
      const halt = vcpus.perSecond(vcpu.ref, "vcpu_halt_ns");
      if (!vm) continue;
      const n = (counts.get(vcpu.parent) ?? 0) + 1;
      counts.set(vcpu.parent, n);
      if (stolen !== undefined) vm.steal = (vm.stolen += stolen / 1e9) / n;
      if (halt !== undefined) vm.halted = (vm.halt += halt / 1e9) / n;
    }
    for (const exit of exits.entities) {
      const vm = machines.get(exit.parent);
      const rate = exits.perSecond(exit.ref, "vm_exits");
      if (!vm || rate === undefined) continue;
      vm.exits = (vm.exits ?? 0) + rate;
      vm.byReason.push([textOf(exit.fields, "reason") ?? "?", rate]);
    }
    for (const vm of machines.values()) {
      if (vm.row.vm_vcpus === undefined && counts.has(vm.row.ref)) vm.row.vm_vcpus = counts.get(vm.row.ref)!;
      if (vm.byReason.length) vm.reasons = vm.byReason.sort((a, b) => b[1] - a[1]).slice(0, 3).map(([reason, rate]) => `${reason} ${show.count(rate)}`).join(", ");
    }
    grid.setItems([...machines.values()]);
  }
  async function refresh(): Promise<void> {
    if (store.table.workloads.some((row) => row.kind === "vm")) {
      const [a, b] = await Promise.all([ask<Entities>("entities?kind=vcpu"), ask<Entities>("entities?kind=exit")]);
      if (a) vcpus.add(a);
      if (b) exits.add(b);
    }
    update();
  }
  const stop = store.onTable.on(() => void refresh());
  queueMicrotask(() => void refresh());
  return {
    element,
    title: "VMs",
    keys: [
      { keys: ["j", "ArrowDown"], what: "next row", run: () => grid.move(1) },
      { keys: ["k", "ArrowUp"], what: "previous row", run: () => grid.move(-1) },
      { keys: ["Enter"], what: "open the machine", run: () => grid.openCurrent() },
      { keys: ["Escape"], what: "back to the fleet", run: () => (location.hash = "#/") },
    ],
    destroy: stop,
  };
}
