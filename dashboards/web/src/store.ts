// What the page knows: the table as it was last told, two minutes of CPU for each
// workload, and events as they come. One stream feeds every view.

import { ask, type HostEvent, type Row, type Status, type Table } from "./api";

export const SPARK_POINTS = 120;

type Listener<T> = (value: T) => void;
class Signal<T> {
  private listeners = new Set<Listener<T>>();
  // Returns what undoes it.
  on(listener: Listener<T>): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  send(value: T): void {
    for (const listener of this.listeners) listener(value);
  }
}

// The last values, oldest first; not-a-number where nothing was measured.
export class Spark {
  readonly values = new Float32Array(SPARK_POINTS).fill(NaN);
  pushed = 0; // tells whether a drawing of it is out of date
  push(value: number | null | undefined): void {
    ++this.pushed;
    this.values.copyWithin(0, 1);
    this.values[SPARK_POINTS - 1] = value ?? NaN;
  }
}

export type Link = "connecting" | "live" | "away";

class Store {
  table: Table = { workloads: [] };
  rows = new Map<number, Row>();
  sparks = new Map<number, Spark>();
  hostSpark = new Spark();
  status: Status | undefined;
  link: Link = "connecting";
  readonly onTable = new Signal<Table>();
  readonly onEvent = new Signal<HostEvent>();
  readonly onLink = new Signal<Link>();
  private source: EventSource | undefined;

  start(): void {
    this.open();
    // A page that nobody looks at costs the collector nothing.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
  }

  // Why a value is missing, for the title of its dash. `signal` as /api/v1/status
  // names it; `otherwise` where the signal is measured but has no value.
  whyAbsent(signal?: string, otherwise?: string): string {
    const source = signal ? this.status?.sources.find((s) => s.what === signal) : undefined;
    if (source?.via === "absent") return `not measured here: ${source.why || "no source"}`;
    return otherwise ?? "not measured: this kernel or cgroup does not report it (yet)";
  }

  private close(): void {
    this.source?.close();
    this.source = undefined;
  }

  private open(): void {
    if (this.source) return;
    void this.loadPast();
    this.source = new EventSource("api/v1/events?stream=page");
    this.source.addEventListener("table", (event) => this.receive(JSON.parse(event.data) as Table));
    this.source.addEventListener("event", (event) => this.onEvent.send(JSON.parse(event.data) as HostEvent));
    this.source.onerror = () => this.setLink("away");
  }

  private async loadPast(): Promise<void> {
    this.status = (await ask<Status>("status")) ?? this.status;
    const past = await ask<{ workloads: { ref: number; cpu_cores: (number | null)[] }[] }>("history?view=spark");
    for (const { ref, cpu_cores } of past?.workloads ?? []) {
      const spark = new Spark();
      for (const value of cpu_cores) spark.push(value);
      if (ref === 0) this.hostSpark = spark;
      else this.sparks.set(ref, spark);
    }
    this.onTable.send(this.table);
  }

  private setLink(link: Link): void {
    if (this.link === link) return;
    this.link = link;
    this.onLink.send(link);
  }

  private receive(table: Table): void {
    // The first table of a connection repeats a second that was counted already.
    const isNew = table.sequence !== this.table.sequence;
    this.table = table;
    this.rows = new Map(table.workloads.map((row) => [row.ref, row]));
    if (isNew) {
      let used = 0;
      for (const row of table.workloads) {
        used += row.cpu_cores ?? 0;
        let spark = this.sparks.get(row.ref);
        if (!spark) this.sparks.set(row.ref, (spark = new Spark()));
        spark.push(row.cpu_cores);
      }
      this.hostSpark.push(used);
      for (const ref of this.sparks.keys()) if (!this.rows.has(ref)) this.sparks.delete(ref);
    }
    this.setLink("live");
    this.onTable.send(table);
  }
}

export const store = new Store();
