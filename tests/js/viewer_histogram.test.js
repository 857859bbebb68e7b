import assert from "node:assert/strict";
import { test } from "node:test";
import { domainOf, moved, outline, statistics } from "../../piximi_widgets/widgets/labeler/js/viewer/histogram.js";
import { digits, lengthText, pixelWidth, scaleBar } from "../../piximi_widgets/widgets/labeler/js/viewer/scalebar.js";

test("values are counted in bins between the least and the greatest one", () => {
  const found = statistics([Float32Array.of(10, 10, 20), Float32Array.of(50)], 4, false);
  assert.deepEqual(found && { ...found, counts: [...found.counts] }, { low: 10, high: 50, width: 10, counts: [2, 1, 0, 1] });
});

test("bins of whole numbers hold equally many of them", () => {
  const bytes = statistics([Uint8Array.of(3, 4, 4, 6)], 512, true);
  assert.deepEqual(bytes && [bytes.width, ...bytes.counts], [1, 1, 2, 0, 1]);
  // 0 to 9 in at most 4 bins: threes, and a last one of what is left.
  const wide = statistics([Uint16Array.from({ length: 10 }, (_, at) => at)], 4, true);
  assert.deepEqual(wide && [wide.width, ...wide.counts], [3, 3, 3, 3, 1]);
});

test("what is no finite number is not counted; where nothing is left there is no histogram", () => {
  const found = statistics([Float32Array.of(NaN, 1, Infinity, 3, -Infinity)], 2, false);
  assert.deepEqual(found && [found.low, found.high, ...found.counts], [1, 3, 1, 1]);
  assert.equal(statistics([Float32Array.of(NaN, NaN)], 2, false), null);
  assert.equal(statistics([], 2, true), null);
});

test("an image of one value has one bar", () => {
  assert.deepEqual([...(statistics([Uint16Array.of(7, 7, 7)], 3, true)?.counts ?? [])], [3]);
  assert.deepEqual([...(statistics([Float32Array.of(7, 7, 7)], 3, false)?.counts ?? [])], [3, 0, 0]);
});

test("of many values some are counted, from all over the image", () => {
  const data = Uint8Array.from({ length: 4_194_304 }, (_, at) => (at % 2048 < 1024 ? 10 : 12));
  const counts = [...(statistics([data], 4, true)?.counts ?? [])];
  assert.equal(counts.length, 3);
  assert.ok(counts[0] + counts[2] < 500_000 && Math.abs(counts[0] / counts[2] - 1) < 0.1);
});

test("the outline reaches from edge to edge of its domain, and rare values are lifted", () => {
  const path = outline({ low: 0, high: 100, width: 50, counts: Uint32Array.of(99, 9) }, [0, 200]);
  // log(10) is half of log(100).
  assert.equal(path, "M0.0000 1V0.000H0.2500V0.500H0.5000V1Z");
});

test("a slider reaches all values and both ends of its window; bytes have their whole range", () => {
  const found = { low: 50, high: 900, width: 425, counts: new Uint32Array(2) };
  assert.deepEqual(domainOf([100, 4000], found, "uint16"), [50, 4000]);
  assert.deepEqual(domainOf([100, 220], found, "uint16"), [50, 900]);
  assert.deepEqual(domainOf([10, 20], found, "uint8"), [0, 255]);
  assert.deepEqual(domainOf([-5, 300], null, "uint8"), [-5, 300]);
  assert.deepEqual(domainOf([2, 2], null, "float32"), [2, 3]);
});

test("a few bright pixels do not press the window into a corner", () => {
  const found = { low: 0, high: 65535, width: 128, counts: new Uint32Array(512) };
  assert.deepEqual(domainOf([300, 400], found, "uint16"), [100, 800]);
  assert.deepEqual(domainOf([100, 400], found, "uint16"), [0, 1600]);
});

test("an end moves within the domain and not past the other end", () => {
  assert.deepEqual(moved([10, 20], 0, 14.6, [0, 100], true), [15, 20]);
  assert.deepEqual(moved([10, 20], 0, 99, [0, 100], true), [19, 20]);
  assert.deepEqual(moved([10, 20], 1, -99, [0, 100], true), [10, 11]);
  assert.deepEqual(moved([10, 20], 1, 999, [0, 100], true), [10, 100]);
  assert.deepEqual(moved([0.2, 0.5], 0, 0.9, [0, 1], false), [0.499, 0.5]);
});

test("the scale bar has a round length of at most the room", () => {
  assert.deepEqual(scaleBar(0.325, 100), { text: "20 µm", width: 20 / 0.325 });
  assert.deepEqual(scaleBar(1, 100), { text: "100 µm", width: 100 });
  assert.deepEqual(scaleBar(1, 99), { text: "50 µm", width: 50 });
  assert.equal(scaleBar(0.001, 250)?.text, "200 nm");
  assert.equal(scaleBar(40, 100)?.text, "2 mm");
  assert.equal(scaleBar(0, 100), null);
  assert.equal(scaleBar(NaN, 100), null);
  for (let size = 1e-4; size < 1e3; size *= 1.7) {
    const bar = scaleBar(size, 200);
    assert.ok(bar && bar.width <= 200.001 && bar.width > 200 / 2.51, `${size}`);
  }
});

test("lengths have the unit that makes them short", () => {
  assert.deepEqual([0.5, 1, 999, 1000, 2500, 0].map(lengthText), ["500 nm", "1 µm", "999 µm", "1 mm", "2.5 mm", "0 µm"]);
});

test("the width of a pixel is taken from its height where only that is known", () => {
  assert.deepEqual([pixelWidth([null, 0.2, 0.3]), pixelWidth([1, 0.2, null]), pixelWidth([1, null, null]), pixelWidth(null)], [0.3, 0.2, 0, 0]);
});

test("measured values are written as short as they can be read", () => {
  assert.deepEqual([4095, -3, 0.123456, 1234.5678, NaN, Infinity, -Infinity].map(digits), ["4095", "−3", "0.1235", "1235", "no number", "∞", "−∞"]);
});
