import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fractionOf, geometry, movedIndex, nearestIndex, offsetAt, scrollFor, scrollToIndex, seenRows, sizeAt, SMALLEST, TALLEST, zoomed,
} from "../../piximi_widgets/widgets/labeler/js/grid/layout.js";
import { fractionFor, thumbOf } from "../../piximi_widgets/widgets/labeler/js/grid/scrubber.js";

test("a grid of 100,000 images stays below what browsers lay out, and every row can be reached", () => {
  const g = geometry({ width: 460, height: 500, size: 256, count: 100_000 });
  assert.equal(g.columns, 1);
  assert.ok(g.total > TALLEST && g.spacer === TALLEST);
  assert.equal(seenRows(g, 0, 0).first, 0);
  assert.equal(seenRows(g, g.spacer - g.height, 0).last, g.rows);
  for (const index of [0, 1, 54_321, 99_999]) {
    const { first, last } = seenRows(g, scrollToIndex(g, 0, index), 0);
    assert.ok(first <= index && index < last, `${index} in ${first}..${last}`);
  }
});

test("scroll positions and offsets are inverse to each other", () => {
  for (const count of [10, 1000, 1_000_000]) {
    const g = geometry({ width: 800, height: 500, size: 96, count });
    const most = Math.max(0, g.total - g.height);
    for (const part of [0, 0.3, 1]) assert.ok(Math.abs(offsetAt(g, scrollFor(g, most * part)) - most * part) < 1);
  }
});

test("at any size tiles fill the width, lie inside it, and are never higher than the stage", () => {
  for (const width of [200, 456, 1003, 3820]) {
    for (let size = SMALLEST; size <= width; size += 7) {
      const g = geometry({ width, height: 480, size, count: 5000 });
      assert.ok(g.tile >= size, `${g.tile} of ${size}`);
      assert.ok(g.picture + g.tag <= 480);
      assert.ok(g.picture === g.tile || g.picture + g.tag === 480, "as high as wide, where there is room");
      const right = g.left + (g.columns - 1) * g.stride + g.tile;
      assert.ok(g.left >= 0 && right <= width + 1e-9);
      if (g.columns > 1) assert.ok(right >= width - 1e-9 && g.stride - g.tile >= 3.9);
    }
  }
});

test("the largest size is one tile as wide as the stage", () => {
  for (const width of [200, 1003]) {
    const g = geometry({ width, height: 2000, size: sizeAt(1, width), count: 10 });
    assert.deepEqual([g.columns, g.tile, g.picture], [1, width, width]);
  }
});

test("a size kept from a wider page still fits", () => {
  const g = geometry({ width: 300, height: 480, size: 900, count: 10 });
  assert.deepEqual([g.columns, g.tile, g.left], [1, 300, 0]);
});

test("each step of the slider enlarges by the same factor, and places and sizes are inverse", () => {
  const width = 1024;
  assert.deepEqual([sizeAt(0, width), sizeAt(0.2, width), sizeAt(0.4, width), sizeAt(1, width)], [32, 64, 128, 1024]);
  for (let size = SMALLEST; size <= width; size++) assert.equal(sizeAt(fractionOf(size, width), width), size);
  assert.deepEqual([fractionOf(8, width), fractionOf(4000, width), fractionOf(32, 20)], [0, 1, 1]);
});

test("each step of zoom shows another number of columns, up to the ends, and the ends hold", () => {
  for (const width of [320, 1003, 3820]) {
    let size = SMALLEST;
    let columns = geometry({ width, height: 480, size, count: 1 }).columns;
    let steps = 0;
    for (; size < width && steps < 200; steps++) {
      const next = zoomed(size, width, 1);
      const now = geometry({ width, height: 480, size: next, count: 1 }).columns;
      assert.ok(next > size);
      assert.ok(now < columns || columns === 1);
      [size, columns] = [next, now];
    }
    assert.equal(size, width);
    assert.equal(zoomed(size, width, 1), width);
    for (; size > SMALLEST && steps > 0; steps--) size = zoomed(size, width, -1);
    assert.equal(size, SMALLEST);
    assert.equal(zoomed(size, width, -1), SMALLEST);
  }
});

test("the nearest image of a point is the one that it lies in, and there is always one", () => {
  const g = geometry({ width: 500, height: 400, size: 96, count: 13 });
  assert.equal(g.columns, 4);
  for (let index = 0; index < 13; index++) {
    const x = g.left + (index % 4) * g.stride + g.tile / 2;
    assert.equal(nearestIndex(g, x, Math.floor(index / 4) * g.pitch + 3), index);
  }
  assert.deepEqual([nearestIndex(g, -50, -50), nearestIndex(g, 9999, 9999)], [0, 12]);
  assert.equal(nearestIndex(geometry({ width: 500, height: 400, size: 96, count: 0 }), 5, 5), -1);
});

test("arrows stay in the grid: up and down in the first and last row do nothing", () => {
  const g = geometry({ width: 500, height: 400, size: 96, count: 14 });
  const moved = (/** @type {number} */ from, /** @type {string} */ move) => movedIndex(g, from, move);
  assert.deepEqual([moved(2, "up"), moved(6, "up"), moved(5, "down"), moved(12, "down")], [2, 2, 9, 12]);
  assert.equal(moved(11, "down"), 13, "where the last row is shorter, to its end");
  assert.deepEqual([moved(0, "left"), moved(13, "right"), moved(4, "left"), moved(3, "right")], [0, 13, 3, 4]);
  assert.deepEqual([moved(5, "home"), moved(5, "end")], [0, 13]);
  const page = Math.floor(g.height / g.pitch) * g.columns;
  assert.deepEqual([moved(1, "pageDown"), moved(13, "pageDown"), moved(1, "pageUp"), moved(13, "pageUp")], [1 + page, 13, 0, 13 - page]);
});

test("an image is brought into view with as little scrolling as possible", () => {
  const g = geometry({ width: 500, height: 400, size: 96, count: 1000 });
  const inView = g.columns + 1;
  assert.equal(scrollToIndex(g, 20, inView), 20);
  assert.equal(scrollToIndex(g, 5 * g.pitch, g.columns * 2), 2 * g.pitch);
  const below = scrollToIndex(g, 0, g.columns * 50);
  assert.equal(below + g.height, 50 * g.pitch + g.picture + g.tag);
});

test("the thumb is never too small to hold, and dragging it to a place shows that place", () => {
  const track = 400;
  for (const part of [0.5, 0.01, 0.00001]) {
    for (const fraction of [0, 0.25, 1]) {
      const { top, height } = thumbOf(track, part, fraction);
      assert.ok(height >= 28 && top >= 0 && top + height <= track + 1e-9);
      assert.ok(Math.abs(fractionFor(track, height, top) - fraction) < 1e-9);
    }
  }
  assert.deepEqual([fractionFor(400, 28, -50), fractionFor(400, 28, 999), fractionFor(20, 28, 5)], [0, 1, 0]);
});
