import assert from "node:assert/strict";
import { test } from "node:test";
import { Selection } from "../../piximi_widgets/widgets/labeler/js/state/selection.js";
import { chipsOf, positionText } from "../../piximi_widgets/widgets/labeler/js/viewer/header.js";
import { Route } from "../../piximi_widgets/widgets/labeler/js/viewer/route.js";

/**
 * A store of as much as a route needs, with images 10, 20, … in order.
 * @param {number[]} selected   indexes
 * @param {number} focus
 */
function opened(selected, focus) {
  const selection = new Selection();
  selection.show(Float64Array.of(10, 20, 30, 40, 50));
  selected.forEach((index, at) => selection.pick(index, { toggle: at > 0 }));
  selection.focus = focus;
  /** @type {string[]} */
  const emitted = [];
  const gone = new Set();
  const store = /** @type {any} */ ({ selection, emit: (/** @type {string} */ change) => emitted.push(change), table: { rowOf: (/** @type {number} */ id) => (gone.has(id) ? -1 : 1) } });
  return { store, selection, emitted, gone, route: new Route(store) };
}

test("with one image selected everything that is shown is stepped through", () => {
  const { route, selection, emitted } = opened([1], 1);
  assert.equal(route.start(), 20);
  assert.deepEqual(route.position(20), { number: 2, count: 5, selected: false });
  assert.deepEqual([route.target(20, "next"), route.target(20, "previous"), route.target(20, "first"), route.target(20, "last")], [30, 10, 10, 50]);
  assert.deepEqual([route.target(50, "next"), route.target(10, "previous"), route.target(10, "first")], [null, null, null]);
  route.focus(30);
  assert.deepEqual([selection.focus, [...selection.list()], emitted], [2, [30], ["selection"]]);
});

test("with several selected only they are, and stay selected", () => {
  const { route, selection } = opened([0, 2, 4], 2);
  assert.equal(route.start(), 30);
  assert.deepEqual(route.position(30), { number: 2, count: 3, selected: true });
  assert.deepEqual([route.target(30, "next"), route.target(30, "previous"), route.target(50, "next")], [50, 10, null]);
  route.focus(50);
  assert.deepEqual([selection.focus, [...selection.list()]], [4, [10, 30, 50]]);
});

test("a focus outside of the selection starts at its first image", () => {
  assert.equal(opened([2, 4], 0).route.start(), 30);
});

test("with nothing shown there is nothing to start with", () => {
  const { route, selection } = opened([], 0);
  selection.show(new Float64Array(0));
  assert.equal(route.start(), null);
});

test("the focus is followed when somebody moves it", () => {
  const { route, selection } = opened([1], 1);
  route.start();
  assert.equal(route.followed(20), null);
  selection.move(3);
  assert.equal(route.followed(20), 40);
});

test("an image that vanishes stays in sight, and the next one is the one that took its place", () => {
  const { route, selection } = opened([1], 1);
  route.start();
  route.position(20);
  selection.show(Float64Array.of(10, 30, 40, 50));
  assert.equal(route.followed(20), null);
  assert.deepEqual(route.position(20), { number: 0, count: 4, selected: false });
  assert.deepEqual([route.target(20, "next"), route.target(20, "previous")], [30, 10]);
  // Moving on, to the very image that has the focus by now, is followed.
  assert.equal(route.followed(20), 30);
});

test("the last image that vanishes has one before it and none after", () => {
  const { route, selection } = opened([4], 4);
  route.start();
  route.position(50);
  selection.show(Float64Array.of(10, 20));
  assert.deepEqual([route.target(50, "next"), route.target(50, "previous")], [null, 20]);
});

test("of the selection images are stepped through that the filter hides by now, not those that were removed", () => {
  const { route, selection, emitted, gone } = opened([0, 1, 2, 3], 0);
  route.start();
  selection.show(Float64Array.of(10, 50));
  gone.add(30);
  assert.equal(route.target(10, "next"), 20);
  assert.equal(route.target(20, "next"), 40);
  route.focus(20);
  assert.deepEqual(emitted, []);
});

test("where the image stands is said in words", () => {
  assert.equal(positionText({ number: 3, count: 12, selected: true }), "3 of 12 selected");
  assert.equal(positionText({ number: 3, count: 12_000, selected: false }), "3 of 12,000");
  assert.equal(positionText({ number: 0, count: 12, selected: false }), "Not in the filter · 12 others");
});

test("label, prediction and flags are told in words", () => {
  const categories = [{ id: 1, name: "mitotic", color: "#111111", key: "" }, { id: 2, name: "dead", color: "#222222", key: "" }];
  const store = /** @type {any} */ ({
    table: { rowOf: (/** @type {number} */ id) => id - 1, columns: { confidence: Float32Array.of(0.876, 0) } },
    category: Int32Array.of(1, 0), prediction: Int32Array.of(2, 0), unsure: Uint8Array.of(1, 0), excluded: Uint8Array.of(1, 0),
    categoryOf: (/** @type {number} */ id) => categories.find((each) => each.id === id) ?? null,
  });
  assert.deepEqual(chipsOf(store, 1).map(({ text }) => text), ["mitotic", "predicted dead 88 %", "unsure", "excluded"]);
  assert.deepEqual(chipsOf(store, 2), [{ kind: "label", text: "unlabeled", color: "" }]);
  assert.deepEqual(chipsOf(store, 0).map(({ text }) => text), ["no longer in the project"]);
});
