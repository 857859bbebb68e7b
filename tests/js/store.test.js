import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../piximi_widgets/widgets/labeler/js/state/store.js";
import { columnsOf } from "./columns.js";

const CATEGORIES = [{ id: 1, name: "a", color: "#111111", key: "" }, { id: 2, name: "b", color: "#222222", key: "" }];
const PROJECT = { revision: 3, categories: CATEGORIES, project: "p", predictions: null, read_only: false, fields: [] };

/** @param {string} action @param {object} argument @param {number[] | null} ids @param {number} sequence */
const operation = (action, argument, ids, sequence = 1) => ({
  project: "p", client: "c", sequence, action, argument, ids: ids && Float64Array.from(ids), base: 0, revision: null,
});

/** @param {Parameters<typeof columnsOf>[1]} given */
function opened(given = { category: [1, 0, 2, 0] }) {
  const store = new Store();
  store.load(PROJECT, columnsOf(4, given));
  return store;
}

test("a delta with a gap before it, or with unknown images, is not applied", () => {
  const store = opened();
  const one = columnsOf(1, { category: [2] });
  assert.equal(store.advance({ from: 5, to: 6, categories: null }, one), "gap");
  assert.equal(store.advance({ from: 3, to: 4, categories: null }, { ...one, ids: Float64Array.of(99) }), "new images");
  assert.equal(store.revision, 3);
  assert.equal(store.advance({ from: 2, to: 4, categories: null }, one), "known");
  assert.equal(store.table.columns.category[0], 2);
  assert.equal(store.advance({ from: 2, to: 3, categories: null }, columnsOf(1, { category: [1] })), "known");
  assert.equal(store.table.columns.category[0], 2, "an old delta that comes late changes nothing");
});

test("an image that leaves the filter leaves the selection", () => {
  const store = opened();
  store.setFilter([{ field: "category", values: [null] }]);
  store.selection.all();
  store.pending = [operation("label", { name: "a" }, [2])];
  store.refresh();
  assert.deepEqual([...store.visible], [3]);
  assert.deepEqual([...store.selection.list()], [4]);
});

test("a filter goes with its category", () => {
  const store = opened();
  store.setFilter([{ field: "category", values: ["b"] }, { field: "excluded", is: false }]);
  store.known = CATEGORIES.slice(0, 1);
  store.refresh();
  assert.deepEqual(store.filter, [{ field: "excluded", is: false }]);
});

test("a clause takes the place of the one of its field", () => {
  const store = opened();
  store.replaceClause("category", { field: "category", values: ["a"] });
  store.replaceClause("unsure", { field: "unsure", is: false });
  store.replaceClause("category", { field: "category", values: ["b"] });
  assert.deepEqual(store.filter, [{ field: "category", values: ["b"] }, { field: "unsure", is: false }]);
  store.replaceClause("category", null);
  store.removeClause(0);
  assert.deepEqual(store.filter, []);
});

test("images stay where they are while they are labeled, until they are sorted again", () => {
  const store = opened();
  store.setOrder("category");
  assert.deepEqual([...store.selection.order], [1, 3, 2, 4]);
  store.pending = [operation("label", { name: "a" }, [4])];
  store.refresh();
  assert.deepEqual([...store.selection.order], [1, 3, 2, 4]);
  assert.ok(store.orderStale);
  store.sortAgain();
  assert.deepEqual([...store.selection.order], [1, 4, 3, 2]);
  assert.ok(!store.orderStale);
  store.setOrder("-category");
  assert.deepEqual([...store.selection.order], [3, 1, 4, 2]);
});

test("blind mode hides predictions, names, and the labels of others, but not one's own", () => {
  const store = opened({ category: [1, 2, 2, 0], origin: [1, 9, 11, 0], prediction: [2, 2, 1, 1], confidence: [1, 1, 1, 1] });
  store.names.set(1, "patient 7.png");
  assert.ok(store.hasPredictions);
  store.setPreference("blind", true);
  assert.deepEqual([...store.category], [0, 2, 2, 0]);
  assert.deepEqual([...store.prediction], [0, 0, 0, 0]);
  assert.ok(!store.hasPredictions);
  assert.equal(store.nameOf(1), "image 1");
  assert.deepEqual(store.progress(), { labeled: 2, total: 4 });
  store.pending = [operation("label", { name: "a", confirm: true }, [1])];
  store.refresh();
  assert.equal(store.category[0], 1, "what she labels herself is seen");
  store.setPreference("blind", false);
  assert.deepEqual([...store.category], [1, 2, 2, 0]);
  assert.equal(store.nameOf(1), "patient 7.png");
});

test("a refused prediction is not shown, and another one is", () => {
  const store = opened({ prediction: [1, 1, 2, 0], refused: [1, 2, 0, 0], category: [0, 0, 0, 0] });
  assert.deepEqual([...store.prediction], [0, 1, 2, 0]);
});

test("progress and counts are those of the images that are shown", () => {
  const store = opened();
  assert.deepEqual(store.progress(), { labeled: 2, total: 4 });
  store.show(Float64Array.of(4, 1, 77), "two");
  assert.deepEqual(store.progress(), { labeled: 1, total: 2 });
  assert.deepEqual([...store.selection.order], [4, 1], "in the order in which they were asked for");
});

test("what was fetched of a field stays with its images when others come and go", () => {
  const store = opened();
  store.setField({ name: "dose", kind: "number", data: Float64Array.of(1, 2, 3, 4) });
  store.setField({ name: "well", kind: "text", values: ["A1", "B2"], codes: Int32Array.of(0, 1, -1, 1) });
  store.setFilter([{ field: "well", values: ["B2"] }]);
  store.load(PROJECT, columnsOf(4, { ids: [2, 3, 4, 5] }));
  assert.deepEqual([...store.selection.order], [2, 4]);
  const dose = store.fieldData("dose");
  assert.deepEqual(dose?.kind === "number" && [...dose.data], [2, 3, 4, NaN]);
});

test("after a training, images that were sorted by a prediction are sorted anew", () => {
  const store = opened({ category: [0, 0, 0, 0], prediction: [1, 1, 1, 1], confidence: [0.1, 0.2, 0.3, 0.4] });
  store.setOrder("-confidence");
  assert.deepEqual([...store.selection.order], [4, 3, 2, 1]);
  const news = columnsOf(4, { prediction: [1, 1, 1, 1], confidence: [0.1, 0.4, 0.2, 0.9] });
  store.advance({ from: 3, to: 4, categories: null, predictions: "second" }, news);
  store.refresh();
  assert.deepEqual([...store.selection.order], [4, 2, 3, 1]);
});

test("a new answer about who labeled what moves nothing while somebody labels", () => {
  const store = opened();
  const authors = (/** @type {number[]} */ codes) => store.setField({ name: "labeled_by", kind: "text", values: ["ann", "bob"], codes: Int32Array.from(codes) });
  store.setOrder("labeled_by");
  authors([1, 0, 1, -1]);
  assert.deepEqual([...store.selection.order], [2, 1, 3, 4]);
  authors([1, 1, 1, 0]);
  assert.deepEqual([...store.selection.order], [2, 1, 3, 4]);
  store.sortAgain();
  assert.deepEqual([...store.selection.order], [4, 1, 2, 3]);
});

test("a field that cannot be had is not waited for", () => {
  const store = opened();
  store.setFilter([{ field: "gone", min: 1 }]);
  assert.ok(store.incomplete);
  store.setUnanswered("gone");
  assert.deepEqual([store.incomplete, store.visible.length], [false, 0]);
});
