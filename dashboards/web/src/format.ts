// Numbers as people read them. Pure.

import type { Limit, Row } from "./api";

export const ABSENT = "–";

export function cores(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
export function bytes(value: number): string {
  let unit = 0;
  while (value >= 1024 && unit < BINARY.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${BINARY[unit]}`;
}

export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

export function duration(ns: number): string {
  if (ns < 999.5) return `${ns.toFixed(0)} ns`;
  if (ns < 999.5e3) return `${(ns / 1e3).toFixed(0)} µs`;
  if (ns < 999.5e6) return `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms`;
  if (ns < 120e9) return `${(ns / 1e9).toFixed(ns < 1e10 ? 1 : 0)} s`;
  return `${(ns / 60e9).toFixed(0)} min`;
}

// Shares may pass 1 where they are summed over CPUs.
export function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`;
}

export function count(value: number): string {
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : value >= 1e4 ? `${(value / 1e3).toFixed(0)} k` : `${Math.round(value)}`;
}

// undefined: absent. "max": there is none.
export function limit(value: Limit | undefined, show: (value: number) => string): string {
  return value === undefined ? ABSENT : value === "max" ? "no limit" : show(value);
}

export function clock(wallMs: number): string {
  const at = new Date(wallMs);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function finite(value: Limit | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

// The limit that is hit first.
export function memoryLimit(row: Row): number | undefined {
  const limits = [finite(row.memory_limit_bytes), finite(row.memory_high_bytes)].filter((v) => v !== undefined);
  return limits.length ? Math.min(...limits) : undefined;
}

export const millicores = (value: number): string => `${cores(value / 1000)}`;

// "cpu_limit_cores" -> "cpu limit cores"
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

// How good or bad a share is, as a class: nothing, "warn", "bad".
export function severity(value: number | undefined, warn: number, bad: number): "" | "warn" | "bad" {
  return value === undefined ? "" : value >= bad ? "bad" : value >= warn ? "warn" : "";
}
