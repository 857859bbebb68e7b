import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsFrom, idsFrom, idsTo } from "../../piximi_widgets/widgets/labeler/js/bytes.js";
import { freeColor, inkOn, PALETTE } from "../../piximi_widgets/widgets/labeler/js/color.js";
import { countCategories, filterFromNames, filterToNames, visibleRows } from "../../piximi_widgets/widgets/labeler/js/filter.js";
import { geometry, offsetAt, scrollFor, scrollToIndex, seenRows, TALLEST } from "../../piximi_widgets/widgets/labeler/js/layout.js";
import { keyOf, shortcutGroups, strokeOf } from "../../piximi_widgets/widgets/labeler/js/shortcuts.js";
import { Table } from "../../piximi_widgets/widgets/labeler/js/table.js";
import { sizeFor } from "../../piximi_widgets/widgets/labeler/js/thumbnails.js";

/** @param {string} key @param {object} [more] */
const press = (key, more) => strokeOf({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more });

test("digits name categories as they lie on the keyboard: 1 is the first, 0 the tenth", () => {
  assert.deepEqual(press("1"), { command: "label", index: 0 });
  assert.deepEqual(press("0"), { command: "label", index: 9 });
  assert.equal(keyOf(0) + keyOf(9) + keyOf(10), "10");
});

test("on a keyboard whose digits need Shift, the key's place counts", () => {
  assert.deepEqual(press("&", { code: "Digit1" }), { command: "label", index: 0 });
  assert.deepEqual(press("?", { code: "Digit7", shiftKey: true }), { command: "help" });
});

test("chords are told from letters, and the browser keeps what is not ours", () => {
  assert.deepEqual(press("z", { ctrlKey: true }), { command: "undo" });
  assert.deepEqual(press("Z", { metaKey: true, shiftKey: true }), { command: "redo" });
  assert.deepEqual(press("y", { ctrlKey: true }), { command: "redo" });
  assert.deepEqual(press("a", { metaKey: true }), { command: "selectAll" });
  assert.deepEqual(press("U", { shiftKey: true }), { command: "unlabel" });
  for (const [key, more] of /** @type {[string, object][]} */ ([["u", { ctrlKey: true }], ["1", { ctrlKey: true }], ["1", { altKey: true }], ["Tab", {}], ["x", {}]])) {
    assert.equal(press(key, more), null);
  }
});

test("the overlay differs between platforms only in the chord's key", () => {
  assert.match(JSON.stringify(shortcutGroups(true)), /⌘/);
  assert.doesNotMatch(JSON.stringify(shortcutGroups(false)), /⌘/);
});

test("filters keep the order of what is shown", () => {
  const scope = Uint32Array.of(3, 1, 0, 2);
  const category = Int32Array.of(0, 5, 0, 5);
  const partition = Uint8Array.of(1, 1, 0, 2);
  assert.deepEqual([...visibleRows(scope, category, partition, {})], [3, 1, 0, 2]);
  assert.deepEqual([...visibleRows(scope, category, partition, { category: 0 })], [0, 2]);
  assert.deepEqual([...visibleRows(scope, category, partition, { category: 5, partition: 1 })], [1]);
});

test("excluded images are not counted", () => {
  const counts = countCategories(Uint32Array.of(0, 1, 2, 3, 4), Int32Array.of(1, 1, 0, 2, 1), Uint8Array.of(0, 1, 0, 0, 0));
  assert.deepEqual([counts.get(0), counts.get(1), counts.get(2)], [1, 2, 1]);
});

test("a filter survives the way to Python and back", () => {
  const categories = [{ id: 7, name: "mitotic", color: "#000000" }];
  for (const filter of [{}, { category: 0 }, { category: 7, partition: 3 }, { partition: 0 }]) {
    assert.deepEqual(filterFromNames(filterToNames(filter, categories), categories), filter);
  }
});

test("buffers are read wherever they start", () => {
  const bytes = new Uint8Array(8 * 2 + 3);
  bytes.set(new Uint8Array(idsTo(Float64Array.of(7, 2 ** 40))), 3);
  assert.deepEqual([...idsFrom(new DataView(bytes.buffer, 3))], [7, 2 ** 40]);
  assert.equal(idsFrom(null).length, 0);
});

test("rows are found by id, also when ids are not in order", () => {
  const empty = [0, 1, 2, 3, 4].map(() => new DataView(new ArrayBuffer(0)));
  for (const ids of [[2, 5, 9, 12], [9, 2, 12, 5]]) {
    const table = new Table(columnsFrom([new DataView(idsTo(Float64Array.from(ids))), ...empty]));
    assert.deepEqual([...table.rowsOf(Float64Array.of(12, 3, 5))], [ids.indexOf(12), ids.indexOf(5)]);
  }
});

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

test("tiles fill the width", () => {
  const g = geometry({ width: 800, height: 500, size: 96, count: 50 });
  assert.equal(g.columns, 7);
  assert.ok(g.tile >= 96 && g.columns * g.tile + 8 * (g.columns - 1) <= 800);
});

test("thumbnails come in few sizes, for the screen's own pixels", () => {
  assert.deepEqual([sizeFor(40, 1), sizeFor(96, 1), sizeFor(96, 2), sizeFor(256, 2)], [96, 96, 192, 384]);
});

test("each colour of the palette is given once before any is given again, with ink that can be read", () => {
  /** @type {{ color: string }[]} */
  const categories = [];
  for (const _ of PALETTE) categories.push({ color: freeColor(categories) });
  assert.equal(new Set(categories.map((each) => each.color)).size, PALETTE.length);
  assert.equal(inkOn("#f0e442"), "#000000");
  assert.equal(inkOn("#0072b2"), "#ffffff");
});
