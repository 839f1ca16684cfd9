import type { Binding } from "./keys";

// One page of the page. Made when it is gone to, destroyed when left.
export interface View {
  element: HTMLElement;
  title: string;
  keys: Binding[];
  destroy: () => void;
}
