import assert from "node:assert/strict";
import { test } from "node:test";
import { parsedOrder, shuffled, sortedBy } from "../../piximi_widgets/widgets/labeler/js/state/order.js";
import { generator } from "./columns.js";

test("an order is a field, upwards or downwards, or a seed", () => {
  assert.deepEqual(parsedOrder(""), { field: "", descending: false, seed: null });
  assert.deepEqual(parsedOrder("-my field"), { field: "my field", descending: true, seed: null });
  assert.deepEqual(parsedOrder("random:12"), { field: "random", descending: false, seed: 12 });
  assert.deepEqual(parsedOrder("random"), { field: "random", descending: false, seed: null }, "a metadata column of that name");
});

test("sorting equals a stable sort of plain pairs, and what has no value comes last either way", () => {
  const random = generator(3);
  const values = Array.from({ length: 500 }, () => (random() < 0.1 ? null : Math.floor(random() * 20)));
  const scope = Uint32Array.from(values, (_, at) => (at * 7) % 500);
  /** @type {import("../../piximi_widgets/widgets/labeler/js/state/fields.js").FieldData} */
  const numbers = { name: "n", kind: "number", data: Float64Array.from(values, (value) => value ?? NaN) };
  /** @type {import("../../piximi_widgets/widgets/labeler/js/state/fields.js").FieldData} */
  const texts = { name: "t", kind: "text", values: Array.from({ length: 20 }, (_, at) => String(at)), codes: Int32Array.from(values, (value) => value ?? -1) };
  for (const descending of [false, true]) {
    const known = [...scope].filter((row) => values[row] !== null).sort((a, b) => (descending ? -1 : 1) * (Number(values[a]) - Number(values[b])));
    const expected = [...known, ...[...scope].filter((row) => values[row] === null)];
    assert.deepEqual([...sortedBy(scope, numbers, descending)], expected);
    assert.deepEqual([...sortedBy(scope, texts, descending)], expected);
  }
});

test("a shuffle repeats, differs by its seed, mixes well, and is not moved by one more image", () => {
  const ids = Float64Array.from({ length: 1000 }, (_, at) => at + 1);
  const rows = Uint32Array.from(ids, (_, at) => at);
  const first = [...shuffled(rows, ids, 5)];
  assert.deepEqual([...shuffled(rows, ids, 5)], first);
  assert.notDeepEqual([...shuffled(rows, ids, 6)], first);
  assert.deepEqual([...first].sort((a, b) => a - b), [...rows]);
  const most = first.filter((row) => row !== 17);
  assert.deepEqual([...shuffled(rows.filter((row) => row !== 17), ids, 5)], most);
  // Of a fair shuffle, the first half holds 250 of the first 500 images, give or take 16.
  for (const seed of [0, 1, 2, 2 ** 31]) {
    const early = [...shuffled(rows, ids, seed)].slice(0, 500).filter((row) => row < 500).length;
    assert.ok(Math.abs(early - 250) < 50, `${early} with seed ${seed}`);
  }
});
