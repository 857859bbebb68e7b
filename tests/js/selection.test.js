import assert from "node:assert/strict";
import { test } from "node:test";
import { Selection } from "../../piximi_widgets/widgets/labeler/js/state/selection.js";

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

test("a ctrl-click moves the anchor, from which a shift-click selects, and what else was selected goes", () => {
  const selection = showing(1, 2, 3, 4, 5, 6);
  selection.pick(0);
  selection.pick(4, { toggle: true });
  selection.pick(2, { extend: true });
  assert.deepEqual(listed(selection), [3, 4, 5]);
});

test("a ctrl-click that takes an image away moves the anchor as well", () => {
  const selection = showing(1, 2, 3, 4, 5);
  selection.all();
  selection.pick(1, { toggle: true });
  assert.deepEqual(listed(selection), [1, 3, 4, 5]);
  selection.pick(3, { extend: true });
  assert.deepEqual(listed(selection), [2, 3, 4]);
});

test("a ctrl-shift-click adds a range to what is selected", () => {
  const selection = showing(1, 2, 3, 4, 5, 6);
  selection.pick(0);
  selection.pick(3, { toggle: true });
  selection.pick(5, { toggle: true, extend: true });
  assert.deepEqual(listed(selection), [1, 4, 5, 6]);
});

test("a shift-click before any other selects from the first image", () => {
  const selection = showing(1, 2, 3, 4);
  selection.pick(2, { extend: true });
  assert.deepEqual(listed(selection), [1, 2, 3]);
});

test("a click beside the images, or where there is none any more, changes nothing", () => {
  const selection = showing(1, 2);
  selection.pick(0);
  selection.pick(-1);
  selection.pick(2);
  assert.deepEqual(listed(selection), [1]);
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

test("with Shift, going back takes away again what going on had added", () => {
  const selection = showing(1, 2, 3, 4, 5);
  selection.pick(2);
  for (const target of [3, 4, 5]) selection.move(target, { extend: true });
  assert.deepEqual(listed(selection), [3, 4, 5]);
  for (const target of [3, 2, 1]) selection.move(target, { extend: true });
  assert.deepEqual(listed(selection), [2, 3]);
});

test("with Shift and Ctrl, a move adds to what was selected elsewhere", () => {
  const selection = showing(1, 2, 3, 4, 5);
  selection.pick(0);
  selection.pick(3, { toggle: true });
  selection.move(4, { extend: true, only: true });
  assert.deepEqual(listed(selection), [1, 4, 5]);
});

test("after the selection was cleared, a range starts at the focus", () => {
  const selection = showing(1, 2, 3, 4);
  selection.pick(3);
  selection.pick(1);
  selection.clear();
  selection.move(2, { extend: true });
  assert.deepEqual(listed(selection), [2, 3]);
});

test("what is no longer shown is no longer selected, and the focus stays on its image", () => {
  const selection = showing(1, 2, 3, 4);
  selection.all();
  selection.move(2, { only: true });
  selection.show(Float64Array.of(3, 4));
  assert.deepEqual(listed(selection), [3, 4]);
  assert.equal(selection.focus, 0);
});

test("images that come back are not selected again", () => {
  const selection = showing(1, 2, 3);
  selection.all();
  selection.show(Float64Array.of(2));
  selection.show(Float64Array.of(1, 2, 3));
  assert.deepEqual(listed(selection), [2]);
});

test("in another order, the same images stay selected, and focus and anchor stay on theirs", () => {
  const selection = showing(1, 2, 3, 4);
  selection.pick(0);
  selection.pick(2, { extend: true });
  selection.show(Float64Array.of(4, 3, 2, 1));
  assert.deepEqual(listed(selection), [3, 2, 1]);
  assert.equal(selection.order[selection.focus], 3);
  assert.equal(selection.order[selection.anchor], 1);
  selection.pick(0, { extend: true });
  assert.deepEqual(listed(selection), [4, 3, 2, 1]);
});

test("when the anchor disappears, a range starts at the focus", () => {
  const selection = showing(1, 2, 3, 4, 5);
  selection.pick(0);
  selection.pick(2, { extend: true });
  selection.show(Float64Array.of(2, 3, 4, 5));
  selection.pick(3, { extend: true });
  assert.deepEqual(listed(selection), [3, 4, 5]);
});

test("when the focused image disappears, the next one that is left takes its place", () => {
  const selection = showing(1, 2, 3, 4, 5, 6);
  selection.pick(0);
  selection.pick(3, { extend: true });
  selection.show(Float64Array.of(5, 6));
  assert.deepEqual([listed(selection), selection.order[selection.focus]], [[], 5]);
  selection.show(Float64Array.of(6));
  assert.equal(selection.focus, 0);
  selection.show(new Float64Array(0));
  assert.equal(selection.focus, -1);
});

test("when the last images disappear, the focus goes to the one before", () => {
  const selection = showing(1, 2, 3);
  selection.pick(2);
  selection.show(Float64Array.of(1, 2));
  assert.equal(selection.focus, 1);
});

test("a selection from elsewhere takes only what is shown, in whatever order it comes", () => {
  const selection = showing(5, 6, 7);
  selection.replace(Float64Array.of(7, 99, 6));
  assert.deepEqual(listed(selection), [6, 7]);
  assert.equal(selection.focus, 1);
});

test("inverting twice changes nothing", () => {
  const selection = showing(1, 2, 3, 4);
  selection.pick(1);
  selection.invert();
  assert.deepEqual([listed(selection), selection.size], [[1, 3, 4], 3]);
  selection.invert();
  assert.deepEqual([listed(selection), selection.size], [[2], 1]);
});

test("a drawn rectangle selects its images, with those that are to stay, and what was before comes back", () => {
  const selection = showing(1, 2, 3, 4, 5);
  selection.pick(0);
  selection.pick(4, { toggle: true });
  const before = selection.snapshot();
  selection.block(Uint32Array.of(1, 2), new Float64Array(0));
  assert.deepEqual(listed(selection), [2, 3]);
  selection.block(Uint32Array.of(1, 2), before.ids);
  assert.deepEqual(listed(selection), [1, 2, 3, 5]);
  selection.restore(before);
  assert.deepEqual([listed(selection), selection.focus, selection.anchor], [[1, 5], 4, 4]);
});

test("against a set of ids, after any sequence of actions", () => {
  let seed = 7;
  const random = (/** @type {number} */ below) => (seed = (seed * 48271) % 2147483647) % below;
  const selection = new Selection();
  /** @type {Set<number>} */
  let ids = new Set();
  const universe = Array.from({ length: 30 }, (_, at) => at + 1);
  let order = universe;
  selection.show(Float64Array.from(order));
  for (let step = 0; step < 3000; step++) {
    const index = random(order.length || 1);
    const kind = random(6);
    if (kind === 0) {
      order = random(3) ? universe.filter(() => random(4)) : [...universe].sort(() => random(3) - 1);
      selection.show(Float64Array.from(order));
      ids = new Set(order.filter((id) => ids.has(id)));
    } else if (kind === 1 && order.length) {
      selection.pick(index, { toggle: true });
      if (!ids.delete(order[index])) ids.add(order[index]);
    } else if (kind === 2 && order.length) {
      const anchor = Math.max(selection.anchor, 0);
      selection.pick(index, { toggle: true, extend: true });
      for (let at = Math.min(anchor, index); at <= Math.max(anchor, index); at++) ids.add(order[at]);
    } else if (kind === 3) {
      selection.invert();
      ids = new Set(order.filter((id) => !ids.has(id)));
    } else if (kind === 4) {
      const wanted = universe.filter(() => !random(3));
      selection.replace(Float64Array.from(wanted));
      ids = new Set(order.filter((id) => wanted.includes(id)));
    }
    assert.deepEqual(listed(selection), order.filter((id) => ids.has(id)), `step ${step}`);
    assert.equal(selection.size, ids.size);
    assert.ok(order.length ? selection.focus >= 0 && selection.focus < order.length : selection.focus === -1);
  }
});

test("with 100,000 images, selecting, inverting and filtering take a few milliseconds", () => {
  const order = Float64Array.from({ length: 100_000 }, (_, at) => at + 1);
  const half = order.filter((id) => id % 2);
  const selection = new Selection();
  selection.show(order);
  /** @type {Record<string, () => void>} */
  const actions = {
    all: () => selection.all(),
    invert: () => selection.invert(),
    "invert back": () => selection.invert(),
    list: () => selection.list(),
    "show the same": () => selection.show(order.slice()),
    filter: () => selection.show(half),
  };
  for (const [name, run] of Object.entries(actions)) {
    const start = performance.now();
    run();
    const spent = performance.now() - start;
    assert.ok(spent < 30, `${name} took ${spent.toFixed(1)} ms`);
  }
  assert.equal(selection.size, half.length);
});
