import assert from "node:assert/strict";
import { test } from "node:test";
import { LARGEST_SCALE, clampView, fitScale, fitted, nextScale, pan, seenRegion, toCanvas, toImage, zoomAround } from "../../piximi_widgets/widgets/labeler/js/viewer/geometry.js";
import { LARGEST_SIDE, TILE_SIDE, bytesOf, stepFor, tilesOf, tilesOfAll, tilesOfView } from "../../piximi_widgets/widgets/labeler/js/viewer/tiles.js";

const IMAGE = { width: 1000, height: 500 };
const CANVAS = { width: 400, height: 400 };
/** @param {number} actual @param {number} expected */
const close = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test("an image fits by its longer side, and a small one is enlarged", () => {
  assert.equal(fitScale(IMAGE, CANVAS), 0.4);
  assert.equal(fitScale({ width: 40, height: 20 }, CANVAS), 10);
  assert.equal(fitScale({ width: 2, height: 2 }, CANVAS), LARGEST_SCALE);
  assert.deepEqual(fitted(IMAGE, CANVAS), { scale: 0.4, x: 500, y: 250 });
});

test("a place goes to the canvas and back", () => {
  const view = { scale: 2.5, x: 120, y: 80 };
  assert.deepEqual(toCanvas(view, CANVAS, { x: 120, y: 80 }), { x: 200, y: 200 });
  assert.deepEqual(toCanvas(view, CANVAS, { x: 121, y: 80 }), { x: 202.5, y: 200 });
  for (const point of [{ x: 0, y: 0 }, { x: 13, y: 399 }]) {
    const back = toCanvas(view, CANVAS, toImage(view, CANVAS, point));
    close(back.x, point.x);
    close(back.y, point.y);
  }
});

test("zooming around a point keeps what is under it there", () => {
  const view = { scale: 1, x: 500, y: 250 };
  for (const point of [{ x: 200, y: 200 }, { x: 90, y: 330 }]) {
    const before = toImage(view, CANVAS, point);
    const after = toImage(zoomAround(view, 3.7, point, IMAGE, CANVAS), CANVAS, point);
    close(after.x, before.x);
    close(after.y, before.y);
  }
});

test("zooming in and out again around one point comes back", () => {
  const view = { scale: 1, x: 480, y: 260 };
  const back = zoomAround(zoomAround(view, 8, { x: 50, y: 300 }, IMAGE, CANVAS), 1, { x: 50, y: 300 }, IMAGE, CANVAS);
  close(back.x, 480);
  close(back.y, 260);
});

test("the scale ends at the whole image, or one to one where that is smaller, and at the largest squares", () => {
  assert.equal(clampView({ scale: 0.01, x: 0, y: 0 }, IMAGE, CANVAS).scale, 0.4);
  assert.equal(clampView({ scale: 0.01, x: 0, y: 0 }, { width: 40, height: 20 }, CANVAS).scale, 1);
  assert.equal(clampView({ scale: 1e6, x: 0, y: 0 }, IMAGE, CANVAS).scale, LARGEST_SCALE);
});

test("panning ends at the image's edges, and an image smaller than the canvas stays in the middle", () => {
  assert.deepEqual(pan({ scale: 1, x: 500, y: 250 }, { x: 10_000, y: -20 }, IMAGE, CANVAS), { scale: 1, x: 200, y: 270 });
  assert.deepEqual(pan({ scale: 1, x: 500, y: 250 }, { x: -10_000, y: -10_000 }, IMAGE, CANVAS), { scale: 1, x: 800, y: 300 });
  // 500 rows at 0.5 are lower than the canvas.
  assert.equal(pan({ scale: 0.5, x: 500, y: 250 }, { x: 0, y: 99 }, IMAGE, CANVAS).y, 250);
});

test("the scales of the keys are a ladder on which one to one is a rung", () => {
  close(nextScale(1, 1), Math.SQRT2);
  close(nextScale(1, -1), Math.SQRT1_2);
  assert.equal(nextScale(0.9, 1), 1);
  assert.equal(nextScale(1.1, -1), 1);
  close(nextScale(nextScale(1, 1), -1), 1);
});

test("what is seen ends with the image and takes whole pixels", () => {
  assert.deepEqual(seenRegion({ scale: 1, x: 200.5, y: 250 }, IMAGE, CANVAS), { top: 50, left: 0, height: 400, width: 401 });
  assert.deepEqual(seenRegion(fitted(IMAGE, CANVAS), IMAGE, CANVAS), { top: 0, left: 0, height: 500, width: 1000 });
});

test("the step is about as dense as the canvas, a power of two, and 1 when zoomed in", () => {
  assert.deepEqual([1, 0.8, 0.5, 0.4, 0.1, 12].map((scale) => stepFor(scale, CANVAS, 2)), [1, 1, 2, 2, 8, 1]);
});

test("a view never needs more bytes than fit beside its neighbours", () => {
  const screen = { width: 3840, height: 2160 };
  assert.equal(stepFor(1, screen, 2), 1);
  // 8.3 million pixels of eight channels of float64 would be 530 MB.
  assert.equal(stepFor(1, screen, 64), 4);
});

test("an image that is small at its step is asked for at once", () => {
  const tiles = tilesOf({ width: 4000, height: 3000 }, 2, { top: 10, left: 10, height: 5, width: 5 }, 2);
  assert.equal(tiles.length, 1);
  assert.deepEqual([tiles[0].top, tiles[0].left, tiles[0].height, tiles[0].width], [0, 0, 3000, 4000]);
});

test("a large one is asked for in tiles: what the region touches, its middle first, cut at the edges", () => {
  const image = { width: 5000, height: 2500 };
  const tiles = tilesOf(image, 1, { top: 1000, left: 1000, height: 400, width: 1300 }, 2);
  assert.deepEqual(tiles.map(({ top, left }) => `${top},${left}`).sort(), ["0,0", "0,1024", "0,2048", "1024,0", "1024,1024", "1024,2048"]);
  assert.deepEqual([tiles[0].top, tiles[0].left], [1024, 1024]);
  const [corner] = tilesOf(image, 1, { top: 2400, left: 4900, height: 100, width: 100 }, 2);
  assert.deepEqual([corner.top, corner.left, corner.height, corner.width], [2048, 4096, 452, 904]);
  assert.equal(new Set(tiles.map(({ key }) => key)).size, 6);
});

test("many bytes a pixel make tiles of an image that would else be whole", () => {
  const image = { width: LARGEST_SIDE, height: LARGEST_SIDE };
  const all = { top: 0, left: 0, height: image.height, width: image.width };
  assert.equal(tilesOf(image, 1, all, 6).length, 1);
  const tiles = tilesOf(image, 1, all, 24);
  assert.deepEqual(tiles.map(({ width }) => width), [TILE_SIDE, TILE_SIDE, TILE_SIDE, TILE_SIDE]);
  assert.notEqual(tiles.find(({ top, left }) => !top && !left)?.key, tilesOf(image, 1, all, 6)[0].key);
});

test("no question is larger than 2048 by 2048, however the view lies", () => {
  for (const [width, height] of [[20_000, 300], [9000, 9000], [2049, 2048]]) {
    for (const scale of [0.03, 0.2, 0.6, 1, 7]) {
      const image = { width, height };
      const view = clampView({ scale, x: width / 3, y: height / 3 }, image, CANVAS);
      for (const tile of [...tilesOfView(image, view, CANVAS, 6), ...tilesOfAll(image, CANVAS, 6)]) {
        assert.ok(Math.ceil(tile.width / tile.step) <= 2048 && Math.ceil(tile.height / tile.step) <= 2048);
        assert.ok(tile.top + tile.height <= height && tile.left + tile.width <= width && tile.height > 0 && tile.width > 0);
      }
    }
  }
});

test("the bytes of a value stand in its type's name", () => {
  assert.deepEqual(["uint8", "int16", "float32", "float64", "bool"].map(bytesOf), [1, 2, 4, 8, 8]);
});
