import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import { blend, widened } from "../../piximi_widgets/widgets/labeler/js/viewer/blend.js";

/** @typedef {import("../../piximi_widgets/widgets/labeler/js/viewer/blend.js").Layer} Layer */

/**
 * The colours of pixels as lists of red, green and blue; each must be opaque.
 * @param {Partial<Layer>[]} layers
 * @param {number} count
 */
function colored(layers, count) {
  const out = new Uint32Array(count);
  blend(layers.map((layer) => /** @type {Layer} */ ({ color: "#ffffff", window: [0, 255], gamma: 1, ...layer })), out);
  const bytes = new Uint8Array(out.buffer);
  return Array.from({ length: count }, (_, at) => {
    assert.equal(bytes[4 * at + 3], 255);
    return [...bytes.subarray(4 * at, 4 * at + 3)];
  });
}

/** @param {...number} values */
const grey = (...values) => values.map((value) => [value, value, value]);

test("gamma is the exponent of the brightness between the ends of the window", () => {
  // A quarter of the window: its root is a half, its square a sixteenth.
  for (const data of [Uint16Array.of(100, 125, 200, 999), Float32Array.of(100, 125, 200, 999)]) {
    assert.deepEqual(colored([{ data, window: [100, 200], gamma: 0.5 }], 4), grey(0, 128, 255, 255));
    assert.deepEqual(colored([{ data, window: [100, 200], gamma: 2 }], 4), grey(0, 16, 255, 255));
  }
});

test("more than three channels are added too", () => {
  const layers = [1, 2, 4, 8, 16].map((value) => ({ data: Uint8Array.of(value), color: "#ffffff" }));
  assert.deepEqual(colored(layers, 1), grey(31));
  layers[4] = { data: Uint8Array.of(16), color: "#00ff00" };
  assert.deepEqual(colored(layers, 1), [[15, 31, 15]]);
});

test("bytes over their whole range are the picture, grey and in colour", () => {
  const data = Uint8Array.from({ length: 256 }, (_, at) => at);
  assert.deepEqual(colored([{ data }], 256), grey(...data));
  const photograph = [
    { data: Uint8Array.of(10, 0), color: "#ff0000" }, { data: Uint8Array.of(20, 0), color: "#00ff00" }, { data: Uint8Array.of(30, 255), color: "#0000ff" },
  ];
  assert.deepEqual(colored(photograph, 2), [[10, 20, 30], [0, 0, 255]]);
});

test("16-bit data is stretched over its window and rounded to the nearest byte", () => {
  // (1000 - 500) / 2000 of 255 is 63.75, (501 - 500) / 2000 of 255 is 0.1275.
  assert.deepEqual(colored([{ data: Uint16Array.of(0, 500, 501, 1000, 2500, 65535), window: [500, 2500] }], 6), grey(0, 0, 0, 64, 255, 255));
});

test("negative int16 and int8 values have their place in the window", () => {
  assert.deepEqual(colored([{ data: Int16Array.of(-32768, -100, 0, 100, 32767), window: [-100, 100] }], 5), grey(0, 0, 128, 255, 255));
  assert.deepEqual(colored([{ data: Int8Array.of(-128, 0, 127), window: [-128, 127] }], 3), grey(0, 128, 255));
});

test("of floats NaN is black, and infinities are the ends", () => {
  const data = Float32Array.of(NaN, -Infinity, Infinity, 0.25, -0.5);
  assert.deepEqual(colored([{ data, window: [0, 1] }], 5), grey(0, 0, 255, 64, 0));
  assert.deepEqual(colored([{ data: Float64Array.of(NaN, 0.25), window: [0, 1], gamma: 0.5 }], 2), grey(0, 128));
});

test("32-bit whole numbers are windowed without a table", () => {
  assert.deepEqual(colored([{ data: Uint32Array.of(0, 3e9, 4e9), window: [2e9, 4e9] }], 3), grey(0, 128, 255));
  assert.deepEqual(colored([{ data: Int32Array.of(-2e9, 0), window: [-2e9, 2e9] }], 2), grey(0, 128));
});

test("colours that share red, green or blue are added and clipped", () => {
  const layers = [
    { data: Uint8Array.of(255, 100, 0), color: "#ffff00" },
    { data: Uint8Array.of(255, 100, 51), color: "#ff00ff" },
  ];
  // 100 + 100 of red; the bytes of both otherwise.
  assert.deepEqual(colored(layers, 3), [[255, 255, 255], [200, 100, 100], [51, 0, 51]]);
  // 255 * 0x80/255 + 255 * 0x40/255.
  assert.deepEqual(colored([{ data: Uint8Array.of(255), color: "#800000" }, { data: Uint16Array.of(9), color: "#400000", window: [0, 9] }], 1), [[192, 0, 0]]);
});

test("sums are rounded once, not channel by channel", () => {
  // 0.4 and 0.4 of a step each: both would be 0, together they are 1.
  const window = /** @type {[number, number]} */ ([0, 637.5]);
  assert.deepEqual(colored([{ data: Uint16Array.of(1), window, color: "#ff0000" }, { data: Uint16Array.of(1), window, color: "#ff0000" }], 1), [[1, 0, 0]]);
});

test("types may be mixed, and no channel at all is black", () => {
  assert.deepEqual(colored([{ data: Uint8Array.of(255), color: "#ff0000" }, { data: Float32Array.of(0.5), window: [0, 1], color: "#0000ff" }], 1), [[255, 0, 128]]);
  assert.deepEqual(colored([], 2), grey(0, 0));
});

test("more pixels than are worked on together come out the same", () => {
  const count = 10_001;
  const data = Float32Array.from({ length: count }, (_, at) => at % 256);
  assert.deepEqual(colored([{ data }], count), grey(...data));
});

test("a window without width is one of width 1", () => {
  assert.deepEqual(widened([7, 7]), [7, 8]);
  assert.deepEqual(widened([7, 9]), [7, 9]);
  assert.deepEqual(colored([{ data: Uint8Array.of(6, 7, 8), window: widened([7, 7]) }], 3), grey(0, 0, 255));
});

test("three channels of 2048 by 2048 16-bit pixels are coloured in a moment", () => {
  const count = 2048 * 2048;
  const layers = ["#ff0000", "#00ff00", "#0000ff"].map((color, channel) => {
    const data = Uint16Array.from({ length: count }, (_, at) => (at * (channel + 3)) & 4095);
    return /** @type {Layer} */ ({ data, color, window: [100, 4000], gamma: 1 });
  });
  const out = new Uint32Array(count);
  blend(layers, out);
  const start = performance.now();
  blend(layers, out);
  // Several times what it takes on a slow machine: a loop that the engine cannot compile takes seconds.
  assert.ok(performance.now() - start < 5000);
});
