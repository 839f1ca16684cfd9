// The page's pure parts, bundled as the page itself is: node page_test.mjs WEB_FOLDER

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const web = process.argv[2] ?? process.env.BALLAST_WEB_FOLDER;
const { buildSync } = createRequire(`${web}/package.json`)("esbuild");
async function load(file) {
  const { outputFiles } = buildSync({ entryPoints: [`${web}/src/${file}`], bundle: true, format: "esm", write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}

const format = await load("format.ts");
const { packLanes } = await load("lanes.ts");
const { compare } = await load("order.ts");
const { Differences } = await load("differences.ts");

// table
for (const [name, got, wanted] of [
  ["bytes below a KiB", () => format.bytes(512), "512 B"],
  ["bytes with a digit", () => format.bytes(1536 * 1024), "1.5 MiB"],
  ["bytes of three digits", () => format.bytes(300 * 2 ** 30), "300 GiB"],
  ["a short time", () => format.duration(53_000), "53 µs"],
  ["milliseconds", () => format.duration(4_200_000), "4.2 ms"],
  ["just below a millisecond", () => format.duration(999_700), "1.0 ms"],
  ["minutes", () => format.duration(180e9), "3 min"],
  ["a share of nothing is nothing", () => format.percent(0), "0 %"],
  ["a small share", () => format.percent(0.012), "1.2 %"],
  ["no limit is said in words", () => format.limit("max", format.cores), "no limit"],
  ["an absent limit is a dash", () => format.limit(undefined, format.cores), "–"],
  ["a set limit", () => format.limit(1.5, format.cores), "1.50"],
])
  test(`format: ${name}`, () => assert.equal(got(), wanted));

test("memory limit: the one that is hit first", () => {
  assert.equal(format.memoryLimit({ memory_limit_bytes: 100, memory_high_bytes: 80 }), 80);
  assert.equal(format.memoryLimit({ memory_limit_bytes: "max", memory_high_bytes: 80 }), 80);
  assert.equal(format.memoryLimit({ memory_limit_bytes: "max" }), undefined);
});

test("order: absent values come last, whichever way", () => {
  for (const down of [true, false])
    assert.equal([3, undefined, 1].sort((a, b) => compare(a, b, down)).at(-1), undefined);
  assert.deepEqual([2, 3, 1].sort((a, b) => compare(a, b, true)), [3, 2, 1]);
});

test("lanes: spans that overlap are not drawn over each other", () => {
  const span = (begin, end) => ({ begin, end, label: "", title: "", isBad: false });
  assert.deepEqual(packLanes([span(0, 10), span(2, 4), span(5, 7), span(6, 8), span(11, 12)], 6), [0, 1, 1, 2, 0]);
});

test("lanes: no more than there may be", () => {
  const spans = Array.from({ length: 20 }, (_, i) => ({ begin: i, end: 100, label: "", title: "", isBad: false }));
  assert.ok(Math.max(...packLanes(spans, 3)) < 3);
});

test("differences: a counter that began anew has no rate", () => {
  const told = (at, value) => ({ at_ns: at, entities: [{ ref: 7, kind: "vcpu", parent: 1, fields: value === undefined ? {} : { n: value } }] });
  const differences = new Differences();
  differences.add(told(1e9, 100));
  assert.equal(differences.perSecond(7, "n"), undefined);
  differences.add(told(3e9, 150));
  assert.equal(differences.perSecond(7, "n"), 25);
  differences.add(told(4e9, 3));
  assert.equal(differences.perSecond(7, "n"), undefined);
  differences.add(told(5e9, undefined));
  assert.equal(differences.perSecond(7, "n"), undefined);
});
