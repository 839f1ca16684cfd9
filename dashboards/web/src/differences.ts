// Rates of counters that only /api/v1/entities has: what rose between two answers.

import type { Entities, Entity } from "./api";

export class Differences {
  private before: { at: number; byRef: Map<number, Entity> } | undefined;
  private now: { at: number; byRef: Map<number, Entity> } | undefined;

  add(answer: Entities): void {
    const at = answer.at_ns ?? 0;
    if (this.now && at <= this.now.at) return;
    this.before = this.now;
    this.now = { at, byRef: new Map(answer.entities.map((entity) => [entity.ref, entity])) };
  }

  get entities(): Entity[] {
    return [...(this.now?.byRef.values() ?? [])];
  }

  // Per second; undefined where a reading is missing or the counter began anew.
  perSecond(ref: number, field: string): number | undefined {
    const then = this.before?.byRef.get(ref)?.fields[field];
    const now = this.now?.byRef.get(ref)?.fields[field];
    if (typeof then !== "number" || typeof now !== "number" || now < then) return undefined;
    return ((now - then) * 1e9) / (this.now!.at - this.before!.at);
  }
}
