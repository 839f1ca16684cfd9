// Spans of time, packed so that none covers another. Pure.

export interface Span {
  begin: number; // seconds since 1970
  end: number;
  label: string;
  title: string;
  isBad: boolean;
}

// Spans packed into lanes, begun first on top.
export function packLanes(spans: Span[], most: number): number[] {
  const ends: number[] = [];
  return spans.map((span) => {
    let lane = ends.findIndex((end) => end <= span.begin);
    if (lane < 0) lane = ends.length < most ? ends.length : ends.indexOf(Math.min(...ends));
    ends[lane] = Math.max(span.end, ends[lane] ?? 0);
    return lane;
  });
}
