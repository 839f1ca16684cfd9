// Which charts a workload (or the host) has, and for how much time.

import type { ChartGroup } from "./charts";
import { h } from "./dom";
import * as show from "./format";
import { HeatChart } from "./heat_chart";
import type { Past } from "./history";
import { LaneChart } from "./lane_chart";
import { LineChart } from "./line_chart";

const SPANS = [60, 120, 300, 600];

export function addWorkloadCharts(group: ChartGroup): LaneChart {
  const lane = new LaneChart(group, "no tool call was recorded in the time kept");
  group.add(lane);
  group.add(new LineChart(group, {
    title: "CPU", hint: "Cores. Red: throttled by its own quota. Triangles: limits that were changed", marks: true, atLeast: 0.1, format: show.cores,
    shade: { series: "throttled_share", above: 0.02, label: "throttled" },
    lines: [
      { series: "cpu_peak_10ms_cores", label: "peak in 10 ms", tint: "limit", style: "faint" },
      { series: "cpu_peak_cores", label: "100 ms", tint: "cpu", style: "faint" },
      { series: "cpu_cores", label: "used", tint: "cpu", style: "area" },
      { series: "cpu_demand_cores", label: "demand", tint: "demand", style: "dash" },
      { series: "cpu_limit_cores", label: "limit", tint: "limit", style: "step" },
    ],
  }));
  group.add(new LineChart(group, {
    title: "Memory", hint: "All memory charged, and what bounds it", marks: true, atLeast: 1 << 24, format: show.bytes,
    lines: [
      { series: "memory_peak_bytes", label: "peak", tint: "mem", style: "faint" },
      { series: "memory_bytes", label: "charged", tint: "mem", style: "area" },
      { series: "memory_anon_bytes", label: "anonymous", tint: "anon", style: "line" },
      { series: "memory_demand_bytes", label: "demand", tint: "demand", style: "dash" },
      { series: "memory_high_bytes", label: "high", tint: "high", style: "step" },
      { series: "memory_limit_bytes", label: "limit", tint: "limit", style: "step" },
    ],
  }));
  group.add(new HeatChart(group, "Run-queue wait", "How long runnable tasks waited for a CPU that somebody else used; the line is the 99th percentile", "run_queue_wait", "run_queue_wait_p99_ns"));
  group.add(new LineChart(group, {
    title: "Pressure", hint: "Share of each second in which at least one task stalled, and throttled time over CPUs", atLeast: 0.1, format: show.percent, height: 130,
    lines: [
      { series: "pressure_cpu_share", label: "CPU", tint: "cpu", style: "line" },
      { series: "pressure_memory_share", label: "memory", tint: "mem", style: "line" },
      { series: "pressure_io_share", label: "I/O", tint: "io", style: "line" },
      { series: "throttled_share", label: "throttled", tint: "bad", style: "line" },
      { series: "vcpu_steal_share", label: "vCPU steal", tint: "warn", style: "line" },
    ],
  }));
  return lane;
}

// Charts of signals that not every host or workload has.
export function addOptionalCharts(group: ChartGroup, there: Set<string>): void {
  const { past } = group;
  const once = (name: string, isThere: boolean, make: () => void) => {
    if (!isThere || there.has(name)) return;
    there.add(name);
    make();
  };
  once("preemptions", past.has("preempted_by_other_per_second"), () =>
    group.add(new LineChart(group, {
      title: "Preemptions", hint: "Switches away from a task that could have gone on, by whose task came next", atLeast: 10, format: (value) => `${show.count(value)}/s`, height: 130,
      lines: [
        { series: "preempted_by_other_per_second", label: "by others", tint: "bad", style: "area" },
        { series: "preempted_by_self_per_second", label: "by itself", tint: "cpu", style: "line" },
        { series: "preempted_by_system_per_second", label: "by the system", tint: "limit", style: "line" },
      ],
    })));
  once("exits", past.has("vm_exits_per_second"), () =>
    group.add(new LineChart(group, {
      title: "VM exits", hint: "Exits to the hypervisor, all reasons; the VMs page has the most frequent ones", atLeast: 10, format: (value) => `${show.count(value)}/s`, height: 130,
      lines: [{ series: "vm_exits_per_second", label: "exits", tint: "io", style: "area" }],
    })));
  once("vcpus", past.has("vcpu_halt_share"), () =>
    group.add(new LineChart(group, {
      title: "vCPU time", hint: "Halted by the guest, and runnable but waiting for a CPU of the host; summed over vCPUs", atLeast: 1, format: show.percent, height: 130,
      lines: [
        { series: "vcpu_halt_share", label: "halted", tint: "limit", style: "area" },
        { series: "vcpu_steal_share", label: "stolen", tint: "warn", style: "line" },
      ],
    })));
  once("io", past.has("io_read_bytes_per_second") || past.has("io_write_bytes_per_second"), () =>
    group.add(new LineChart(group, {
      title: "Block I/O", atLeast: 1024, format: show.rate, height: 130,
      lines: [
        { series: "io_read_bytes_per_second", label: "read", tint: "io", style: "area" },
        { series: "io_write_bytes_per_second", label: "written", tint: "net", style: "line" },
      ],
    })));
  once("io_latency", past.heatmaps["io_latency"] !== undefined, () =>
    group.add(new HeatChart(group, "Block latency", "Issue to completion of reads and writes", "io_latency")));
  once("network", past.has("network_receive_bytes_per_second"), () =>
    group.add(new LineChart(group, {
      title: "Network", atLeast: 1024, format: show.rate, height: 130,
      lines: [
        { series: "network_receive_bytes_per_second", label: "received", tint: "net", style: "area" },
        { series: "network_transmit_bytes_per_second", label: "sent", tint: "io", style: "line" },
      ],
    })));
}

export function missing(past: Past): string {
  const wanted: [string, boolean][] = [
    ["run-queue wait", past.heatmaps["run_queue_wait"] !== undefined],
    ["memory limit", past.has("memory_limit_bytes")],
    ["CPU limit", past.has("cpu_limit_cores")],
    ["pressure", past.has("pressure_cpu_share")],
    ["block I/O", past.has("io_read_bytes_per_second")],
    ["block latency", past.heatmaps["io_latency"] !== undefined],
    ["network", past.has("network_receive_bytes_per_second")],
  ];
  const absent = wanted.filter(([, isThere]) => !isThere).map(([name]) => name);
  return absent.length ? `Not set or not measured for it: ${absent.join(", ")}. What is absent is left out, never drawn as zero.` : "";
}

export function rangePicker(group: ChartGroup): HTMLElement {
  const buttons = SPANS.map((seconds) => {
    const button = h("button", { type: "button", class: "chip", "aria-pressed": String(seconds === group.seconds), "data-seconds": String(seconds) }, `${seconds / 60} min`);
    button.addEventListener("click", () => {
      group.show(seconds);
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    });
    return button;
  });
  return h("div", { class: "chips", role: "group", "aria-label": "Time shown" }, ...buttons);
}
export function stepRange(group: ChartGroup, picker: HTMLElement, by: number): void {
  const at = Math.max(0, Math.min(SPANS.length - 1, SPANS.indexOf(group.seconds) + by));
  picker.querySelector<HTMLButtonElement>(`[data-seconds="${SPANS[at]}"]`)?.click();
}
