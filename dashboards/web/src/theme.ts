// Dark and light: as the system says, until somebody chooses.

const KEY = "ballast-theme";
type Theme = "dark" | "light";

const listeners: (() => void)[] = [];
const system = matchMedia("(prefers-color-scheme: dark)");
let colors = new Map<string, string>();

function chosen(): Theme | undefined {
  const value = localStorage.getItem(KEY);
  return value === "dark" || value === "light" ? value : undefined;
}

let dark = true;
export function isDark(): boolean {
  return dark;
}

function apply(): void {
  dark = (chosen() ?? (system.matches ? "dark" : "light")) === "dark";
  document.documentElement.style.colorScheme = isDark() ? "dark" : "light";
  colors = new Map();
  for (const listener of listeners) listener();
}

export function toggleTheme(): void {
  localStorage.setItem(KEY, isDark() ? "light" : "dark");
  apply();
}

// Canvases are painted again; the rest follows by itself.
export function onTheme(listener: () => void): void {
  listeners.push(listener);
}

// The computed value of a custom property, for canvases: they know no variables.
export function color(name: string): string {
  const known = colors.get(name);
  if (known) return known;
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  colors.set(name, value);
  return value;
}

// rgb(1, 2, 3) with an opacity.
export function faded(value: string, alpha: number): string {
  const parts = value.match(/[\d.]+/g) ?? ["128", "128", "128"];
  return `rgba(${parts[0]}, ${parts[1]}, ${parts[2]}, ${alpha})`;
}

system.addEventListener("change", apply);
apply();
