import assert from "node:assert/strict";
import { test } from "node:test";
import { idsFrom, idsTo } from "../../piximi_widgets/widgets/labeler/js/kernel/bytes.js";
import { freeColor, inkOn, PALETTE } from "../../piximi_widgets/widgets/labeler/js/categories/color.js";
import { Table } from "../../piximi_widgets/widgets/labeler/js/state/table.js";
import { columnsOf } from "./columns.js";
import { sizeFor } from "../../piximi_widgets/widgets/labeler/js/kernel/thumbnails.js";

test("buffers are read wherever they start", () => {
  const bytes = new Uint8Array(8 * 2 + 3);
  bytes.set(new Uint8Array(idsTo(Float64Array.of(7, 2 ** 40))), 3);
  assert.deepEqual([...idsFrom(new DataView(bytes.buffer, 3))], [7, 2 ** 40]);
  assert.equal(idsFrom(null).length, 0);
});

test("rows are found by id, also when ids are not in order", () => {
  for (const ids of [[2, 5, 9, 12], [9, 2, 12, 5]]) {
    const table = new Table(columnsOf(4, { ids }));
    assert.deepEqual([...table.rowsOf(Float64Array.of(12, 3, 5))], [ids.indexOf(12), ids.indexOf(5)]);
  }
});

test("thumbnails come in few sizes, for the screen's own pixels", () => {
  assert.deepEqual([sizeFor(40, 1), sizeFor(96, 1), sizeFor(96, 2), sizeFor(350, 2)], [96, 96, 192, 768]);
});

test("each colour of the palette is given once before any is given again, with ink that can be read", () => {
  /** @type {{ color: string }[]} */
  const categories = [];
  for (const _ of PALETTE) categories.push({ color: freeColor(categories) });
  assert.equal(new Set(categories.map((each) => each.color)).size, PALETTE.length);
  assert.equal(inkOn("#f0e442"), "#000000");
  assert.equal(inkOn("#0072b2"), "#ffffff");
});
