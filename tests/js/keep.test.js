import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Keep } from "../../piximi_widgets/widgets/labeler/js/kernel/keep.js";

/** @param {string} client @param {number} sequence */
const operation = (client, sequence, project = "p") => ({
  project, client, sequence, action: "label", argument: { name: "a" }, ids: Float64Array.of(sequence, 9), base: 1, revision: 1,
});

/** Pages that are alive hold a lock. @param {...string} clients */
function alive(...clients) {
  const held = clients.map((client) => ({ name: `piximi-widgets:${client}` }));
  Object.defineProperty(globalThis, "navigator", { value: { locks: { query: async () => ({ held }) } }, configurable: true });
}

test("edits that a page which is gone left behind are offered in their order, those of living pages are not", async () => {
  alive("living", "self");
  const keep = new Keep({ failed: () => assert.fail("storage works") });
  for (const each of [operation("gone", 1), operation("gone", 2), operation("living", 1), operation("self", 1), operation("gone", 1, "other")]) {
    await keep.put(each);
  }
  const left = await keep.leftovers("p", "self");
  assert.deepEqual(left.map((each) => [each.client, each.sequence, each.revision]), [["gone", 1, null], ["gone", 2, null]]);
  assert.deepEqual([...(left[0].ids ?? [])], [1, 9]);
  await keep.remove(left[0]);
  assert.equal((await keep.leftovers("p", "self")).length, 1);
  keep.close();
});

test("without locks, only edits that are old are taken for left behind", async () => {
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  const keep = new Keep({ failed: () => assert.fail("storage works") });
  await keep.put(operation("recent", 1, "q"));
  assert.deepEqual(await keep.leftovers("q", "self"), []);
  keep.close();
});

test("where nothing can be stored, it is said once and nothing breaks", async () => {
  const working = globalThis.indexedDB;
  // @ts-expect-error a browser without storage
  globalThis.indexedDB = undefined;
  let failures = 0;
  const keep = new Keep({ failed: () => failures++ });
  await keep.put(operation("c", 1));
  assert.deepEqual(await keep.leftovers("p", "self"), []);
  assert.equal(failures, 1);
  globalThis.indexedDB = working;
});
