// A table of many rows of which only those in sight exist: rows are of one height,
// elements are reused, and a cell is touched only where its text changed.
//
//   const grid = new Grid<Row>({ columns, key: (row) => row.ref, open });
//   grid.setItems(rows);   // as often as there is news

import { h, setText } from "./dom";
import { compare } from "./order";

export interface Column<T> {
  title: string;
  hint?: string;
  width: string; // a grid track: "minmax(160px, 2fr)"
  // Shown from this width of the table on; names and use stay on a telephone.
  from?: number;
  // What it sorts by; absent values come last, whichever way.
  by?: (item: T) => number | string | undefined;
  isText?: boolean; // sorts ascending at first, left aligned
  // Makes the cell's inside once and answers what fills it.
  make: (cell: HTMLElement) => (item: T) => void;
}

export interface GridOptions<T> {
  columns: Column<T>[];
  key: (item: T) => number | string;
  open?: (item: T) => void;
  sort: { column: number; down: boolean };
  empty: () => string;
  label: string;
}

interface Line<T> {
  element: HTMLElement;
  fills: ((item: T) => void)[];
  top: number;
  key: number | string; // of the item it shows
}

export const ROW_HEIGHT = 34;
const SPARE_ROWS = 4;

export class Grid<T> {
  readonly element: HTMLElement;
  private head = h("div", { class: "grid-head", role: "row" });
  private space = h("div", { class: "grid-space", role: "rowgroup" });
  private body = h("div", { class: "grid-body", tabindex: "0" });
  private note = h("div", { class: "grid-empty" });
  private lines: Line<T>[] = [];
  private shown: Column<T>[] = [];
  private items: T[] = [];
  private sorted: T[] = [];
  private selected: number | string | undefined;
  private sort: { column: Column<T>; down: boolean };

  constructor(private options: GridOptions<T>) {
    this.sort = { column: options.columns[options.sort.column]!, down: options.sort.down };
    this.element = h("div", { class: "grid", role: "table", "aria-label": options.label }, this.head, this.body);
    this.body.append(this.space, this.note);
    this.body.addEventListener("scroll", () => this.draw(), { passive: true });
    this.body.addEventListener("click", (event) => this.onClick(event));
    new ResizeObserver(() => this.layOut()).observe(this.element);
  }

  setItems(items: T[]): void {
    this.items = items;
    this.arrange();
    this.draw();
  }

  get count(): number {
    return this.sorted.length;
  }

  move(by: number): void {
    const at = this.sorted.findIndex((item) => this.options.key(item) === this.selected);
    const next = at < 0 ? (by > 0 ? 0 : this.sorted.length - 1) : Math.max(0, Math.min(this.sorted.length - 1, at + by));
    const item = this.sorted[next];
    if (item) this.select(this.options.key(item), next);
  }

  get current(): T | undefined {
    return this.sorted.find((item) => this.options.key(item) === this.selected);
  }

  select(key: number | string | undefined, at?: number): void {
    this.selected = key;
    if (at !== undefined) {
      const top = at * ROW_HEIGHT;
      const height = this.body.clientHeight;
      if (top < this.body.scrollTop) this.body.scrollTop = top;
      else if (top + ROW_HEIGHT > this.body.scrollTop + height) this.body.scrollTop = top + ROW_HEIGHT - height;
    }
    this.draw();
  }

  openCurrent(): void {
    const item = this.current;
    if (item) this.options.open?.(item);
  }

  reverse(): void {
    this.sortBy(this.sort.column, !this.sort.down);
  }

  sortBeside(by: number): void {
    const able = this.shown.filter((column) => column.by);
    const at = able.indexOf(this.sort.column);
    const column = able[(at + by + able.length) % able.length];
    if (column) this.sortBy(column, !column.isText);
  }

  private sortBy(column: Column<T>, down: boolean): void {
    this.sort = { column, down };
    this.drawHead();
    this.arrange();
    this.body.scrollTop = 0;
    this.draw();
  }

  private arrange(): void {
    const { column, down } = this.sort;
    const by = column.by ?? (() => undefined);
    const { key } = this.options;
    const keyed = this.items.map((item) => ({ item, value: by(item), key: key(item) }));
    // Equal values keep a fixed order, or rows would dance every second.
    keyed.sort((a, b) => compare(a.value, b.value, down) || compare(a.key, b.key, false));
    this.sorted = keyed.map((entry) => entry.item);
  }

  private layOut(): void {
    const width = this.element.clientWidth;
    if (width === 0) return;
    const shown = this.options.columns.filter((column) => width >= (column.from ?? 0));
    if (shown.length !== this.shown.length || shown.some((column, i) => column !== this.shown[i])) {
      this.shown = shown;
      this.element.style.setProperty("--tracks", shown.map((column) => column.width).join(" "));
      this.lines = [];
      this.space.replaceChildren();
      this.drawHead();
    }
    this.draw();
  }

  private drawHead(): void {
    this.head.replaceChildren(
      ...this.shown.map((column) => {
        const cell = h("div", { class: column.isText ? "cell text" : "cell", role: "columnheader", title: column.hint });
        if (!column.by) {
          cell.append(h("span", {}, column.title));
          return cell;
        }
        const button = h("button", { type: "button" }, column.title);
        const isSorted = column === this.sort.column;
        cell.setAttribute("aria-sort", isSorted ? (this.sort.down ? "descending" : "ascending") : "none");
        button.addEventListener("click", () => this.sortBy(column, isSorted ? !this.sort.down : !column.isText));
        cell.append(button);
        return cell;
      }),
    );
  }

  private makeLine(): Line<T> {
    const element = h("div", { class: "grid-row", role: "row" });
    const fills = this.shown.map((column) => {
      const cell = h("div", { class: column.isText ? "cell text" : "cell", role: "cell" });
      element.append(cell);
      return column.make(cell);
    });
    this.space.append(element);
    const line: Line<T> = { element, fills, top: -1, key: `new ${this.lines.length}` };
    this.lines.push(line);
    return line;
  }

  private draw(): void {
    if (this.shown.length === 0) return;
    const height = `${this.sorted.length * ROW_HEIGHT}px`;
    if (this.space.style.height !== height) this.space.style.height = height;
    this.note.hidden = this.sorted.length > 0;
    if (!this.note.hidden) setText(this.note, this.options.empty());
    const first = Math.max(0, Math.floor(this.body.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    const fit = Math.ceil(this.body.clientHeight / ROW_HEIGHT) + 2 * SPARE_ROWS;
    const end = Math.min(this.sorted.length, first + fit);
    // An item keeps the line it had, so that most of what it shows is still true.
    const wanted = this.sorted.slice(first, end);
    const free = new Map(this.lines.map((line) => [line.key, line]));
    const kept = wanted.map((item) => {
      const line = free.get(this.options.key(item));
      if (line) free.delete(line.key);
      return line;
    });
    const spare = [...free.values()];
    wanted.forEach((item, i) => this.place(kept[i] ?? spare.pop() ?? this.makeLine(), item, first + i));
    for (const line of spare) line.element.hidden = true;
  }

  private place(line: Line<T>, item: T, at: number): void {
    line.key = this.options.key(item);
    line.element.hidden = false;
    if (line.top !== at) {
      line.top = at;
      line.element.style.transform = `translateY(${at * ROW_HEIGHT}px)`;
    }
    line.element.classList.toggle("selected", line.key === this.selected);
    for (const fill of line.fills) fill(item);
  }

  private onClick(event: MouseEvent): void {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>(".grid-row") : null;
    const line = this.lines.find(({ element }) => element === row);
    const item = line && this.sorted.find((one) => this.options.key(one) === line.key);
    if (!item) return;
    this.select(this.options.key(item));
    this.options.open?.(item);
  }
}
