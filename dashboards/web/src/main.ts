// The page: a bar, and one view at a time, chosen by what is after the # of the
// address, so that a view can be linked to and the browser's back button works.

import "./app.css";

import { decisionsView } from "./decisions";
import { h, setText } from "./dom";
import { fleetView } from "./fleet";
import { hostView } from "./host";
import { setSharedKeys, setViewKeys, startKeys, toggleHelp } from "./keys";
import { store, type Link } from "./store";
import { isDark, onTheme, toggleTheme } from "./theme";
import type { View } from "./view";
import { vmsView } from "./vms";
import { workloadView } from "./workload";

const tabs = [
  { hash: "#/", name: "Fleet" },
  { hash: "#/host", name: "Host" },
  { hash: "#/vms", name: "VMs" },
  { hash: "#/decisions", name: "Decisions" },
];
const links = tabs.map(({ hash, name }, i) => h("a", { href: hash, title: `${name} (${i + 1})` }, name));
const host = h("span", { class: "hostname" });
const limited = h("span", { class: "tag", title: "These credentials see only such workloads" });
const link = h("span", { class: "link", role: "status" });
const theme = h("button", { type: "button", class: "icon", title: "Dark or light (t)", "aria-label": "Dark or light" });
const help = h("button", { type: "button", class: "icon", title: "Keys (?)", "aria-label": "Keys" }, "?");
const bar = h("header", { class: "bar" }, h("a", { class: "brand", href: "#/" }, h("i", { class: "mark", "aria-hidden": "true" }), "Ballast"), host, h("nav", {}, ...links), limited, link, theme, help);

function viewOf(hash: string): View {
  const [, page, argument] = hash.split("/");
  const number = argument === undefined || !/^\d+$/.test(argument) ? undefined : Number(argument);
  if (page === "workload" && number !== undefined) return workloadView(number);
  if (page === "host") return hostView();
  if (page === "vms") return vmsView();
  if (page === "decisions") return decisionsView(number);
  return fleetView();
}

let view: View | undefined;
function go(): void {
  view?.destroy();
  view?.element.remove();
  view = viewOf(location.hash);
  document.body.append(view.element);
  setViewKeys(view.keys);
  const at = `#/${location.hash.split("/")[1] ?? ""}`;
  links.forEach((one, i) => {
    const isHere = at === tabs[i]!.hash || (i === 0 && at === "#/workload");
    if (isHere) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  });
  name();
}
function name(): void {
  setText(host, store.table.host ?? "");
  setText(limited, store.status?.limited_to ?? "");
  limited.hidden = store.status?.limited_to === undefined;
  document.title = [view?.title, store.table.host, "Ballast"].filter(Boolean).join(" · ");
}

const LINK_TEXT: Record<Link, string> = { connecting: "connecting", live: "live", away: "collector away, trying again" };
function showLink(state: Link): void {
  setText(link, LINK_TEXT[state]);
  link.className = `link ${state}`;
}
const showTheme = () => setText(theme, isDark() ? "☾" : "☀");

setSharedKeys([
  ...tabs.map(({ hash, name }, i) => ({ keys: [String(i + 1)], what: name.toLowerCase() === "vms" ? "VMs" : name.toLowerCase(), run: () => void (location.hash = hash) })),
  { keys: ["t"], what: "dark or light", run: toggleTheme },
  { keys: ["?"], what: "these keys", run: toggleHelp },
]);
theme.addEventListener("click", toggleTheme);
help.addEventListener("click", toggleHelp);
onTheme(showTheme);
showTheme();
document.body.append(bar);
store.onLink.on(showLink);
store.onTable.on(name);
showLink("connecting");
addEventListener("hashchange", go);
startKeys();
go();
store.start();
