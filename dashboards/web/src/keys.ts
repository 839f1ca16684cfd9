// The keyboard: one table of keys, shown by ?, so that what is told is what works.

import { h } from "./dom";

export interface Binding {
  keys: string[]; // as KeyboardEvent.key
  what: string;
  run: () => void;
}

let shared: Binding[] = [];
let ofView: Binding[] = [];
const help = h("dialog", { class: "help", "aria-label": "Keys" });

export function setSharedKeys(bindings: Binding[]): void {
  shared = bindings;
}
// Those of the view that is shown; they go before the shared ones.
export function setViewKeys(bindings: Binding[]): void {
  ofView = bindings;
}

const NAMES: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };

export function toggleHelp(): void {
  if (help.open) return help.close();
  const list = h("dl");
  for (const { keys, what } of [...ofView, ...shared]) {
    const term = h("dt");
    for (const key of keys) term.append(h("kbd", {}, NAMES[key] ?? key));
    list.append(term, h("dd", {}, what));
  }
  help.replaceChildren(h("h2", {}, "Keys"), list);
  if (!help.isConnected) document.body.append(help);
  help.showModal();
}

function isTyping(event: KeyboardEvent): boolean {
  const at = event.target;
  return at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement;
}

export function startKeys(): void {
  help.addEventListener("click", () => help.close());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (help.open) {
      if (event.key === "?") help.close();
      return; // Esc closes a dialog by itself
    }
    // In a field only what leaves it; letters are text there.
    if (isTyping(event) && event.key !== "Escape" && event.key !== "Enter") return;
    // A focused button or link answers Enter itself.
    if (event.key === "Enter" && (event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement)) return;
    const found = [...ofView, ...shared].find((binding) => binding.keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found.run();
  });
}
