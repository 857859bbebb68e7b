import assert from "node:assert/strict";
import { test } from "node:test";
import { Selection } from "../../piximi_widgets/widgets/labeler/js/selection.js";

/** @param {...number} ids */
function showing(...ids) {
  const selection = new Selection();
  selection.show(Float64Array.from(ids));
  return selection;
}

/** @param {Selection} selection */
const listed = (selection) => [...selection.list()];

test("a click selects one image, a ctrl-click adds and removes", () => {
  const selection = showing(10, 20, 30, 40);
  selection.pick(1);
  selection.pick(3, { toggle: true });
  assert.deepEqual(listed(selection), [20, 40]);
  selection.pick(1, { toggle: true });
  assert.deepEqual(listed(selection), [40]);
});

test("a shift-click selects from the anchor, in both directions, and replaces the former range", () => {
  const selection = showing(10, 20, 30, 40, 50);
  selection.pick(2);
  selection.pick(4, { extend: true });
  assert.deepEqual(listed(selection), [30, 40, 50]);
  selection.pick(0, { extend: true });
  assert.deepEqual(listed(selection), [10, 20, 30]);
});

test("a ctrl-shift-click adds a range to what is selected", () => {
  const selection = showing(1, 2, 3, 4, 5, 6);
  selection.pick(0);
  selection.pick(3, { toggle: true });
  selection.pick(5, { toggle: true, extend: true });
  assert.deepEqual(listed(selection), [1, 4, 5, 6]);
});

test("arrows move the selection, with Shift they extend it, and the ends hold", () => {
  const selection = showing(1, 2, 3);
  selection.pick(1);
  selection.move(2, { extend: true });
  selection.move(3, { extend: true });
  assert.deepEqual(listed(selection), [2, 3]);
  selection.move(-5);
  assert.deepEqual(listed(selection), [1]);
  selection.move(2, { only: true });
  assert.deepEqual([listed(selection), selection.focus], [[1], 2]);
});

test("what is no longer shown is no longer selected, and the focus stays on its image", () => {
  const selection = showing(1, 2, 3, 4);
  selection.all();
  selection.move(2, { only: true });
  selection.show(Float64Array.of(3, 4));
  assert.deepEqual(listed(selection), [3, 4]);
  assert.equal(selection.focus, 0);
});

test("when the focused image disappears, the focus keeps its place", () => {
  const selection = showing(1, 2, 3, 4);
  selection.pick(1);
  selection.show(Float64Array.of(1, 3, 4));
  assert.deepEqual([listed(selection), selection.order[selection.focus]], [[], 3]);
  selection.show(new Float64Array(0));
  assert.equal(selection.focus, -1);
});

test("a selection from Python takes only what is shown", () => {
  const selection = showing(5, 6, 7);
  selection.replace(Float64Array.of(7, 99, 6));
  assert.deepEqual(listed(selection), [6, 7]);
  assert.equal(selection.focus, 1);
});
