// The last ten minutes of one workload (or of the host, ref 0), brought up to date
// with what is new each second.

import { ask, type HeatColumn, type History, type Values } from "./api";

const KEEP_POINTS = 600;

export class Past {
  times: number[] = []; // seconds since 1970, as the charts want them
  series: Record<string, Values> = {};
  heatmaps: Record<string, HeatColumn[]> = {};
  private lastMs = 0;
  private isAsking = false;

  constructor(readonly ref: number) {}

  has(name: string): boolean {
    return this.series[name] !== undefined;
  }

  // False: the workload is gone, or the collector is away.
  async refresh(): Promise<boolean> {
    if (this.isAsking) return true;
    this.isAsking = true;
    const news = await ask<History>(`history?ref=${this.ref}&since=${this.lastMs}`);
    this.isAsking = false;
    if (!news) return false;
    this.add(news);
    return true;
  }

  private add(news: History): void {
    const known = this.times.length;
    for (const ms of news.times_ms) this.times.push(ms / 1000);
    this.lastMs = news.times_ms.at(-1) ?? this.lastMs;
    const missing = (count: number): Values => new Array<null>(count).fill(null);
    for (const [name, values] of Object.entries(news.series)) {
      const there = (this.series[name] ??= missing(known));
      for (const value of values) there.push(value);
    }
    for (const values of Object.values(this.series))
      while (values.length < this.times.length) values.push(null);
    for (const [name, columns] of Object.entries(news.heatmaps)) {
      const there = (this.heatmaps[name] ??= []);
      for (const column of columns) there.push(column);
    }
    this.trim();
  }

  private trim(): void {
    const over = this.times.length - KEEP_POINTS;
    if (over <= 0) return;
    this.times.splice(0, over);
    for (const values of Object.values(this.series)) values.splice(0, over);
    const oldest = this.times[0]! * 1000;
    for (const columns of Object.values(this.heatmaps))
      while (columns.length && columns[0]![0] < oldest) columns.shift();
  }
}
