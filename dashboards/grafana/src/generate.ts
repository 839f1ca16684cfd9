// usage: generate.js [--check] FOLDER     writes the dashboards as JSON, or says which of the files there differ

import * as fs from "node:fs";
import * as path from "node:path";
import { autoscaler } from "./autoscaler.js";
import { consolidation } from "./consolidation.js";
import { fleet } from "./fleet.js";
import { health } from "./health.js";
import { host } from "./host.js";
import { vms } from "./vms.js";
import { single } from "./workload.js";

const dashboards = { fleet, workload: single, host, vms, autoscaler, consolidation, health };

const isCheck = process.argv[2] === "--check";
const folder = process.argv[isCheck ? 3 : 2];
if (!folder) throw new Error("usage: generate.js [--check] FOLDER");

const wanted = new Map(Object.entries(dashboards).map(([name, builder]) =>
  [`${name}.json`, JSON.stringify(builder.build(), null, 2) + "\n"]));

if (!isCheck) {
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, text] of wanted) fs.writeFileSync(path.join(folder, name), text);
} else {
  const present = fs.readdirSync(folder).filter((name) => name.endsWith(".json"));
  const stale = [...new Set([...present, ...wanted.keys()])].filter((name) =>
    !present.includes(name) || fs.readFileSync(path.join(folder, name), "utf8") !== wanted.get(name));
  for (const name of stale) console.error(`${name}: not what the sources make; run: npm run build`);
  process.exitCode = stale.length === 0 ? 0 : 1;
}
