import assert from "node:assert/strict";
import { test } from "node:test";
import { geometry, indexesIn } from "../../piximi_widgets/widgets/labeler/js/grid/layout.js";
import { between, edgeSpeed } from "../../piximi_widgets/widgets/labeler/js/grid/marquee.js";

/**
 * Each tile asked by itself.
 * @param {ReturnType<typeof geometry>} g
 * @param {ReturnType<typeof between>} rectangle
 */
function touched(g, rectangle) {
  const found = [];
  for (let index = 0; index < g.count; index++) {
    const left = g.left + (index % g.columns) * g.stride;
    const top = Math.floor(index / g.columns) * g.pitch;
    const across = rectangle.right > left && rectangle.left < left + g.tile;
    const down = rectangle.bottom > top && rectangle.top < top + g.picture + g.tag;
    if (across && down) found.push(index);
  }
  return found;
}

test("a rectangle selects the tiles that it touches, as when each is asked by itself", () => {
  let seed = 11;
  const random = (/** @type {number} */ below) => ((seed = (seed * 48271) % 2147483647) / 2147483647) * below;
  for (const view of [{ width: 500, size: 96, count: 57 }, { width: 503, size: 32, count: 700 }, { width: 333, size: 300, count: 5 }, { width: 640, size: 64, count: 1 }]) {
    const g = geometry({ ...view, height: 400 });
    for (let step = 0; step < 400; step++) {
      const corner = () => ({ x: random(view.width + 120) - 60, y: random(g.total + 200) - 100 });
      const rectangle = between(corner(), corner());
      assert.deepEqual([...indexesIn(g, rectangle)], touched(g, rectangle), JSON.stringify([view, rectangle]));
    }
  }
});

test("a rectangle that ends in a gap selects nothing beyond it", () => {
  const g = geometry({ width: 500, height: 400, size: 96, count: 20 });
  const gap = { left: g.tile + 1, right: g.stride - 1, top: 0, bottom: 50 };
  assert.deepEqual([...indexesIn(g, gap)], []);
  assert.deepEqual([...indexesIn(g, { left: 0, right: g.stride, top: g.picture + g.tag, bottom: g.pitch })], []);
  assert.deepEqual([...indexesIn(g, { left: 0, right: 1, top: g.picture + g.tag - 1, bottom: g.pitch + 1 })], [0, g.columns]);
});

test("all of 100,000 images can be drawn around, seen or not", () => {
  const g = geometry({ width: 800, height: 400, size: 96, count: 100_000 });
  const indexes = indexesIn(g, { left: -5, right: 900, top: -5, bottom: g.total + 100 });
  assert.equal(indexes.length, 100_000);
  assert.equal(indexes[99_999], 99_999);
});

test("the corners of a rectangle may be drawn in any order", () => {
  const expected = { left: 1, top: 2, right: 10, bottom: 20 };
  assert.deepEqual(between({ x: 1, y: 2 }, { x: 10, y: 20 }), expected);
  assert.deepEqual(between({ x: 10, y: 2 }, { x: 1, y: 20 }), expected);
});

test("near an edge the grid scrolls by itself, the faster the further the pointer is out", () => {
  assert.deepEqual([edgeSpeed(200, 400), edgeSpeed(24, 400), edgeSpeed(376, 400)], [0, 0, 0]);
  const down = [380, 400, 450, 500, 5000].map((y) => edgeSpeed(y, 400));
  assert.ok(down.every((speed, at) => speed > 0 && (at === 0 || speed > down[at - 1])));
  assert.equal(edgeSpeed(-30, 400), -edgeSpeed(430, 400));
  assert.ok(down[4] <= 16_000);
});
