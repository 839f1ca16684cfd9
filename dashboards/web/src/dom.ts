// Elements in one line. Texts come from workloads: they are set as text, never as markup.

type Child = Node | string | null | undefined | false;
interface Attributes {
  [name: string]: string | undefined;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  for (const child of children) if (child) element.append(child);
  return element;
}

// Touches the document only where something changed: most cells of most rows do not, most seconds.
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
export function setClass(element: HTMLElement, name: string): void {
  if (element.className !== name) element.className = name;
}
export function setTitle(element: HTMLElement, title: string): void {
  if (element.title !== title) element.title = title;
}
