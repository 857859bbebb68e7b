import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../piximi_widgets/widgets/labeler/js/store.js";
import { replay } from "../../piximi_widgets/widgets/labeler/js/replay.js";
import { Table } from "../../piximi_widgets/widgets/labeler/js/table.js";

/** @param {number[]} category */
function columns(category) {
  const count = category.length;
  return {
    ids: Float64Array.from(category, (_, row) => row + 1), category: Int32Array.from(category), partition: new Uint8Array(count),
    excluded: new Uint8Array(count), prediction: new Int32Array(count), confidence: new Float32Array(count),
  };
}

/** @param {string} action @param {object} argument @param {number[] | null} ids @param {number} sequence */
const operation = (action, argument, ids, sequence = 1) => ({
  project: "p", client: "c", sequence, action, argument, ids: ids && Float64Array.from(ids), base: 0, revision: null,
});

const CATEGORIES = [{ id: 1, name: "a", color: "#111111" }, { id: 2, name: "b", color: "#222222" }];

test("edits are applied to what the kernel said, which stays as it is", () => {
  const table = new Table(columns([1, 0, 2]));
  const shown = replay(table, CATEGORIES, [operation("label", { name: "b" }, [1, 2]), operation("unlabel", {}, [3], 2), operation("exclude", {}, [2], 3)]);
  assert.deepEqual([...shown.category], [2, 2, 0]);
  assert.deepEqual([...shown.excluded], [0, 1, 0]);
  assert.deepEqual([...table.columns.category], [1, 0, 2]);
});

test("an edit may use a category that has no id yet, under its newest name", () => {
  const table = new Table(columns([0, 0]));
  const edits = [
    operation("add_category", { name: "new", color: "#333333" }, null, 4),
    operation("label", { name: "new" }, [1], 5),
    operation("rename_category", { name: "new", new: "newer" }, null, 6),
    operation("label", { name: "newer" }, [2], 7),
  ];
  const shown = replay(table, CATEGORIES, edits);
  assert.deepEqual([...shown.category], [-4, -4]);
  assert.deepEqual(shown.categories.at(-1), { id: -4, name: "newer", color: "#333333" });
  // The kernel has stored the first edit: the same later edits find the real id.
  const known = replay(table, [...CATEGORIES, { id: 3, name: "new", color: "#333333" }], edits.slice(1));
  assert.deepEqual([...known.category], [3, 3]);
});

test("a deleted category leaves its images unlabeled, and recolouring keeps them", () => {
  const table = new Table(columns([1, 2, 1]));
  const shown = replay(table, CATEGORIES, [operation("remove_category", { name: "a" }, null), operation("recolor_category", { name: "b", color: "#999999" }, null, 2)]);
  assert.deepEqual([...shown.category], [0, 2, 0]);
  assert.deepEqual(shown.categories, [{ id: 2, name: "b", color: "#999999" }]);
});

function opened() {
  const store = new Store();
  store.load({ revision: 3, categories: CATEGORIES, project: "p" }, columns([1, 0, 2, 0]));
  return store;
}

test("a delta with a gap before it, or with unknown images, is not applied", () => {
  const store = opened();
  const one = { ...columns([2]) };
  assert.equal(store.advance({ from: 5, to: 6, categories: null }, one), "gap");
  assert.equal(store.advance({ from: 3, to: 4, categories: null }, { ...one, ids: Float64Array.of(99) }), "new images");
  assert.equal(store.revision, 3);
  assert.equal(store.advance({ from: 2, to: 4, categories: null }, one), "known");
  assert.equal(store.table.columns.category[0], 2);
  assert.equal(store.advance({ from: 2, to: 3, categories: null }, columns([1])), "known");
  assert.equal(store.table.columns.category[0], 2, "an old delta that comes late changes nothing");
});

test("an image that leaves the filter leaves the selection", () => {
  const store = opened();
  store.setFilter({ category: 0 });
  store.selection.all();
  store.pending = [operation("label", { name: "a" }, [2])];
  store.refresh();
  assert.deepEqual([...store.visible], [3]);
  assert.deepEqual([...store.selection.list()], [4]);
});

test("a filter follows its category from the temporary to the real id, and goes with it", () => {
  const store = opened();
  store.pending = [operation("add_category", { name: "new", color: "#333333" }, null, 9)];
  store.refresh();
  store.setFilter({ category: -9 });
  store.known = [...CATEGORIES, { id: 3, name: "new", color: "#333333" }];
  store.pending = [];
  store.refresh();
  assert.equal(store.filter.category, 3);
  store.known = CATEGORIES;
  store.refresh();
  assert.deepEqual(store.filter, {});
});

test("progress and counts are those of the images that are shown", () => {
  const store = opened();
  assert.deepEqual(store.progress(), { labeled: 2, total: 4 });
  store.show(Float64Array.of(4, 1, 77), "two");
  assert.deepEqual(store.progress(), { labeled: 1, total: 2 });
  assert.deepEqual([...store.selection.order], [4, 1], "in the order in which they were asked for");
});
