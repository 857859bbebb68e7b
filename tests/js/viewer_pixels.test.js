import assert from "node:assert/strict";
import { test } from "node:test";
import { Cancelled } from "../../piximi_widgets/widgets/labeler/js/kernel/channel.js";
import { DetailsOfImages } from "../../piximi_widgets/widgets/labeler/js/viewer/details.js";
import { toPaint } from "../../piximi_widgets/widgets/labeler/js/viewer/painter.js";
import { Pixels, valuesFrom } from "../../piximi_widgets/widgets/labeler/js/viewer/pixels.js";

/** @typedef {import("../../piximi_widgets/widgets/labeler/js/viewer/pixels.js").Wish} Wish */
/** @typedef {import("../../piximi_widgets/widgets/labeler/js/viewer/pixels.js").Piece} Piece */

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A kernel that answers when it is told to. */
function kernel() {
  /** @type {{ content: any, answer: (answer: any) => void, refuse: (error: Error) => void, cancelled: boolean }[]} */
  const asked = [];
  /** @param {any} content @param {AbortSignal} signal */
  const ask = (content, signal) =>
    new Promise((resolve, reject) => {
      const entry = { content, answer: resolve, refuse: reject, cancelled: false };
      asked.push(entry);
      signal.addEventListener("abort", () => {
        entry.cancelled = true;
        reject(new Cancelled("Cancelled."));
      });
    });
  return { asked, ask };
}

/** @param {number} height @param {number} width @param {number} channels */
const pixelsOf = (height, width, channels) => ({
  content: { dtype: "uint16", shape: [height, width] },
  buffers: Array.from({ length: channels }, (_, channel) => new DataView(new Uint16Array(height * width).fill(channel + 1).buffer)),
});

/** @param {number} step @param {number} [left] */
const tileAt = (step, left = 0) => ({ step, top: 0, left, height: 8, width: 8, key: `${step}:${left}` });

/** @param {number} image @param {Partial<Wish>} [more] @returns {Wish} */
const wish = (image, more = {}) => ({ image, plane: 0, tile: tileAt(1), channels: [0, 1], ...more });

test("pixels are asked for by tile and kept by channel", async () => {
  const { asked, ask } = kernel();
  let changes = 0;
  const pixels = new Pixels({ ask, changed: () => changes++ });
  pixels.want([wish(5, { plane: "max" })]);
  assert.deepEqual(asked.map(({ content }) => content), [{ image: 5, plane: "max", channels: [0, 1], region: [0, 0, 8, 8], step: 1 }]);
  asked[0].answer(pixelsOf(8, 8, 2));
  await settled();
  assert.equal(changes, 1);
  assert.equal(pixels.get(5, "max", tileAt(1), 1)?.data[63], 2);
  assert.equal(pixels.get(5, 0, tileAt(1), 1), undefined);
  assert.equal(pixels.of(5, "max").length, 2);
});

test("only what is missing is asked for: another channel, and nothing twice", async () => {
  const { asked, ask } = kernel();
  const pixels = new Pixels({ ask, changed: () => {} });
  pixels.want([wish(5, { channels: [0] })]);
  pixels.want([wish(5, { channels: [0, 2] })]);
  asked[0].answer(pixelsOf(8, 8, 1));
  await settled();
  pixels.want([wish(5, { channels: [0, 2] })]);
  assert.deepEqual(asked.map(({ content }) => content.channels), [[0], [2]]);
});

test("what is no longer wanted is cancelled, and its late answer ignored", async () => {
  const { asked, ask } = kernel();
  const pixels = new Pixels({ ask, changed: () => {} });
  pixels.want([wish(1)]);
  pixels.want([wish(2)]);
  assert.deepEqual(asked.map(({ cancelled }) => cancelled), [true, false]);
  asked[0].answer(pixelsOf(8, 8, 2));
  asked[1].answer(pixelsOf(8, 8, 2));
  await settled();
  assert.deepEqual([pixels.of(1, 0).length, pixels.of(2, 0).length], [0, 2]);
  assert.equal(pixels.failures.size, 0);
});

test("few questions are on their way at a time, and what may be wanted later waits for all others", async () => {
  const { asked, ask } = kernel();
  const pixels = new Pixels({ ask, changed: () => {} });
  const tiles = [0, 8, 16, 24].map((left) => wish(1, { tile: tileAt(1, left) }));
  pixels.want([...tiles, wish(2, { later: true })]);
  assert.equal(asked.length, 3);
  for (const at of [0, 1, 2]) {
    asked[at].answer(pixelsOf(8, 8, 2));
    await settled();
  }
  assert.deepEqual(asked.map(({ content }) => content.image), [1, 1, 1, 1]);
  asked[3].answer(pixelsOf(8, 8, 2));
  await settled();
  assert.equal(asked[4].content.image, 2);
});

test("beyond the bound the pixels go that were wanted longest ago, and never those that are wanted now", async () => {
  const { asked, ask } = kernel();
  // Two channels of 8 x 8 16-bit values are 256 bytes.
  const pixels = new Pixels({ ask, changed: () => {}, budget: 600 });
  for (const image of [1, 2, 1, 3]) {
    pixels.want([wish(image)]);
    asked.at(-1)?.answer(pixelsOf(8, 8, 2));
    await settled();
  }
  assert.deepEqual([1, 2, 3].map((image) => pixels.of(image, 0).length), [2, 0, 2]);
  assert.ok(pixels.bytes <= 600);
  pixels.want([wish(1), wish(3), wish(4)]);
  asked.at(-1)?.answer(pixelsOf(8, 8, 2));
  await settled();
  assert.deepEqual([1, 3, 4].map((image) => pixels.of(image, 0).length), [2, 2, 2]);
});

test("an image that cannot be read is not asked for again until somebody tries again", async () => {
  const { asked, ask } = kernel();
  let changes = 0;
  const pixels = new Pixels({ ask, changed: () => changes++ });
  pixels.want([wish(1)]);
  asked[0].refuse(new Error("The file cell.tif is gone."));
  await settled();
  assert.equal(pixels.failures.get(1), "The file cell.tif is gone.");
  assert.equal(changes, 1);
  pixels.want([wish(1)]);
  assert.equal(asked.length, 1);
  pixels.forget(1);
  pixels.want([wish(1)]);
  assert.equal(asked.length, 2);
});

test("once cleared nothing is kept, nothing arrives, and nothing is told", async () => {
  const { asked, ask } = kernel();
  let changes = 0;
  const pixels = new Pixels({ ask, changed: () => changes++ });
  pixels.want([wish(1), wish(2)]);
  asked[0].answer(pixelsOf(8, 8, 2));
  pixels.clear();
  asked[1].answer(pixelsOf(8, 8, 2));
  await settled();
  assert.deepEqual([pixels.bytes, pixels.pieces.size, changes, asked.length], [0, 0, 0, 2]);
});

test("values are read wherever they start in a message", () => {
  const bytes = new Uint8Array([9, 9, 9, ...new Uint8Array(Float32Array.of(1.5, -2).buffer)]);
  assert.deepEqual(valuesFrom("float32", new DataView(bytes.buffer, 3)), Float32Array.of(1.5, -2));
  assert.deepEqual(valuesFrom("int8", new DataView(Uint8Array.of(255).buffer)), Int8Array.of(-1));
  assert.throws(() => valuesFrom("complex64", new DataView(new ArrayBuffer(8))), /complex64/);
});

test("coarse tiles are painted first, and only until the fitting ones are complete", () => {
  /** @param {number} step @param {number} left @param {number} channel */
  const piece = (step, left, channel) => /** @type {Piece} */ ({ image: 1, plane: 0, tile: tileAt(step, left), channel, data: new Uint8Array(0), height: 0, width: 0 });
  const wanted = [tileAt(2, 0), tileAt(2, 8)];
  const order = (/** @type {Piece[]} */ pieces, channels = 1) => toPaint(pieces, wanted, channels).map((each) => each[0].tile.key);
  assert.deepEqual(order([piece(1, 0, 0), piece(2, 0, 0), piece(8, 0, 0)]), ["8:0", "1:0", "2:0"]);
  assert.deepEqual(order([piece(8, 0, 0), piece(2, 0, 0), piece(2, 8, 0)]), ["2:0", "2:8"]);
  // The second channel has just been switched on.
  assert.deepEqual(order([piece(8, 0, 0), piece(2, 0, 0), piece(2, 8, 0)], 2), ["8:0", "2:0", "2:8"]);
});

test("details are asked for once, renewed when the display changes, and shown as they were until then", async () => {
  const { asked, ask } = kernel();
  /** @type {any[]} */
  const learned = [];
  const details = new DetailsOfImages({ ask: (image, signal) => ask({ image }, signal), changed: (now, former) => learned.push([now, former]), failed: () => {} });
  details.want([1, 2]);
  details.want([1, 2]);
  assert.deepEqual(asked.map(({ content }) => content.image), [1, 2]);
  asked[0].answer({ content: { image: { id: 1, windows: [[0, 1]] } } });
  await settled();
  details.renew();
  assert.deepEqual(details.get(1)?.windows, [[0, 1]]);
  assert.equal(asked[1].cancelled, true);
  details.want([1]);
  asked[2].answer({ content: { image: { id: 1, windows: [[0, 9]] } } });
  await settled();
  assert.deepEqual(details.get(1)?.windows, [[0, 9]]);
  assert.deepEqual(learned.map(([, former]) => former?.windows), [undefined, [[0, 1]]]);
});

test("an image of which nothing can be said says why", async () => {
  const { asked, ask } = kernel();
  let failed = 0;
  const details = new DetailsOfImages({ ask: (image, signal) => ask({ image }, signal), changed: () => {}, failed: () => failed++ });
  details.want([7]);
  asked[0].refuse(new Error("Gone."));
  await settled();
  details.want([7]);
  assert.deepEqual([details.failures.get(7), failed, asked.length], ["Gone.", 1, 1]);
  details.forget(7);
  details.want([7]);
  assert.equal(asked.length, 2);
});
