// What the collector answers: the shapes of /api/v1. A member that is absent was
// not measured; it is never zero.

export type Limit = number | "max";

export interface Decision {
  decision_id?: number;
  mode?: string;
  outcome?: string;
  binding?: string;
  reason?: string;
  trigger?: string;
  error?: string;
  weight?: number;
  water_level_cpu?: number;
  water_level_memory?: number;
  demand_cpu_millicores?: Limit;
  demand_memory_bytes?: Limit;
  allocated_cpu_millicores?: Limit;
  allocated_memory_bytes?: Limit;
  limit_cpu_millicores?: Limit;
  limit_memory_bytes?: Limit;
  previous_cpu_millicores?: Limit;
  previous_memory_bytes?: Limit;
  guarantee_cpu_millicores?: Limit;
  guarantee_memory_bytes?: Limit;
  ceiling_cpu_millicores?: Limit;
  ceiling_memory_bytes?: Limit;
}

export interface Row {
  ref: number;
  kind: "container" | "vm" | "slice";
  name: string;
  path?: string;
  runtime?: string;
  agent?: string;
  pod?: string;
  namespace?: string;
  cpu_cores?: number;
  cpu_limit_cores?: Limit;
  throttled_share?: number;
  run_queue_wait_p99_ns?: number;
  memory_bytes?: number;
  memory_limit_bytes?: Limit;
  memory_high_bytes?: Limit;
  oom_kills?: number;
  pressure_cpu_share?: number;
  pressure_memory_share?: number;
  pressure_io_share?: number;
  io_read_bytes_per_second?: number;
  io_write_bytes_per_second?: number;
  vcpu_steal_share?: number;
  vm_vcpus?: number;
  vm_resident_bytes?: number;
  vm_balloon_bytes?: number;
  vm_memory_max_bytes?: number;
  decision?: Decision;
}

export interface Table {
  host?: string;
  sequence?: number;
  at_ns?: number;
  wall_ns?: number;
  cpus_online?: number;
  memory_total_bytes?: number;
  memory_available_bytes?: number;
  workloads: Row[];
}

export interface Histogram {
  sum_ns: number;
  counts: number[];
}
export type FieldValue = number | string | Histogram;
export type Fields = Record<string, FieldValue>;

export interface Workload {
  ref: number;
  kind: string;
  name: string;
  path?: string;
  rates: Record<string, number>;
  limits: Record<string, Limit>;
  decision?: Decision;
  fields: Fields;
}

export interface Who {
  ref: number;
  name?: string;
  path?: string;
}
export interface HostEvent {
  sequence: number;
  kind: string;
  at_ns: number;
  wall_ns: number;
  subject?: Who;
  fields: Fields;
  rows: (Who & { fields: Fields })[];
}

export type Values = (number | null)[];
export type HeatColumn = [timeMs: number, firstBucket: number, counts: number[]];
export interface History {
  times_ms: number[];
  series: Record<string, Values>;
  heatmaps: Record<string, HeatColumn[]>;
}

export interface Entity {
  ref: number;
  kind: string;
  parent: number;
  fields: Fields;
}
export interface Entities {
  at_ns?: number;
  entities: Entity[];
}

export interface Source {
  what: string;
  via: string;
  why: string;
}
export interface Status {
  version: string;
  limited_to?: string; // "namespace=red": these credentials see only such workloads
  host?: string;
  boot_id?: string;
  sequence?: number;
  fields?: Fields;
  sources: Source[];
  losses?: Fields[];
  counters?: Record<string, number>;
}

// undefined: the collector is away, or what was asked for is gone.
export async function ask<T>(path: string): Promise<T | undefined> {
  try {
    const answer = await fetch(`api/v1/${path}`);
    return answer.ok ? ((await answer.json()) as T) : undefined;
  } catch {
    return undefined;
  }
}

export function numberOf(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  return typeof value === "number" ? value : undefined;
}
export function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" ? value : undefined;
}
