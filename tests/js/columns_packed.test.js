import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsFrom } from "../../piximi_widgets/widgets/labeler/js/kernel/bytes.js";

/** Nine columns of one byte or more, as Python packs them. @param {Record<number, ArrayBuffer>} given */
function message(given) {
  return Array.from({ length: 9 }, (_, at) => new DataView(given[at] ?? new ArrayBuffer(4)));
}

test("ids without a gap travel as the first and their number, a column of equal values as one", () => {
  const columns = columnsFrom(message({ 0: Float64Array.of(7, -4).buffer, 1: Int32Array.of(3).buffer, 7: Float32Array.of(0.5).buffer, 3: Uint8Array.of(1, 0, 2, 0).buffer }));
  assert.deepEqual([...columns.ids], [7, 8, 9, 10]);
  assert.deepEqual([...columns.category], [3, 3, 3, 3]);
  assert.deepEqual([...columns.confidence], [0.5, 0.5, 0.5, 0.5]);
  assert.deepEqual([...columns.flags], [1, 0, 2, 0]);
});

test("a single image and none at all", () => {
  const one = columnsFrom(message({ 0: Float64Array.of(9).buffer, 1: Int32Array.of(2).buffer, 2: Uint8Array.of(1).buffer }));
  assert.deepEqual([[...one.ids], [...one.category], [...one.partition]], [[9], [2], [1]]);
  const none = columnsFrom(Array.from({ length: 9 }, () => new DataView(new ArrayBuffer(0))));
  assert.deepEqual([none.ids.length, none.category.length, none.confidence.length], [0, 0, 0]);
});
