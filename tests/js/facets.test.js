import assert from "node:assert/strict";
import { test } from "node:test";
import { countValues, histogram, matching, offeredValues, rangeClause, rangeOf, rowsBeside, stepOf, toggledClause } from "../../piximi_widgets/widgets/labeler/js/state/facets.js";

/** @typedef {import("../../piximi_widgets/widgets/labeler/js/state/fields.js").FieldData} FieldData */
/** @typedef {import("../../piximi_widgets/widgets/labeler/js/types.js").Clause} Clause */

const ROWS = Uint32Array.of(0, 1, 2, 3, 4, 5);
const WELL = { name: "well", kind: /** @type {const} */ ("text"), values: ["A", "B"], codes: Int32Array.of(0, 0, 1, -1, 1, 0) };
const DOSE = { name: "dose", kind: /** @type {const} */ ("number"), data: Float64Array.of(1, 2, 3, NaN, 5, 11) };

/** @param {Clause[]} filter */
const store = (filter) => ({
  scope: ROWS, filter, queries: new Map([["odd", Uint8Array.of(0, 1, 0, 1, 0, 1)]]),
  fieldData: (/** @type {string} */ name) => /** @type {FieldData | null} */ ({ well: WELL, dose: DOSE }[name] ?? null),
  flag: (/** @type {string} */ name) => (name === "unsure" ? Uint8Array.of(2, 0, 0, 0, 0, 2) : null),
});

test("the values of a field are counted among what the other clauses show", () => {
  /** @type {Clause[]} */
  const filter = [{ field: "well", values: ["A"] }, { field: "dose", min: 2 }];
  assert.deepEqual([...rowsBeside(store(filter), "well")], [1, 2, 4, 5]);
  assert.deepEqual([...rowsBeside(store(filter), "dose")], [0, 1, 5]);
  assert.deepEqual([...countValues(WELL, rowsBeside(store(filter), "well"))], [2, 2, 0]);
});

test("a query and a flag restrict every field", () => {
  assert.deepEqual([...rowsBeside(store([{ query: "odd" }, { field: "unsure", is: true }]), "well")], [5]);
});

test("images without a value are counted last", () => {
  assert.deepEqual([...countValues(WELL, ROWS)], [3, 2, 1]);
});

test("values are found by any part of their words", () => {
  const values = ["Alpha", "beta", null];
  const word = (/** @type {string | null} */ value) => value ?? "None";
  assert.deepEqual(matching(values, "  A ", word), ["Alpha", "beta"]);
  assert.deepEqual(matching(values, "none", word), [null]);
  assert.deepEqual(matching(values, " ", word), values);
});

test("ticking adds a value, unticking the last one takes the clause away", () => {
  assert.deepEqual(toggledClause("well", ["A"], null), { field: "well", values: ["A", null] });
  assert.deepEqual(toggledClause("well", ["A", null], "A"), { field: "well", values: [null] });
  assert.equal(toggledClause("well", [null], null), null);
});

test("a range knows its ends, whether numbers are whole, and how many have none", () => {
  assert.deepEqual(rangeOf(DOSE.data, ROWS), { min: 1, max: 11, whole: true, missing: 1 });
  assert.equal(rangeOf(Float64Array.of(0.5, 2), Uint32Array.of(0, 1))?.whole, false);
  assert.equal(rangeOf(DOSE.data, Uint32Array.of(3)), null);
});

test("every number of a range falls into one bin, the greatest into the last", () => {
  assert.deepEqual([...histogram(DOSE.data, ROWS, { min: 1, max: 11 }, 5)], [2, 1, 1, 0, 1]);
  assert.deepEqual([...histogram(Float64Array.of(4, 4), Uint32Array.of(0, 1), { min: 4, max: 4 }, 3)], [2, 0, 0]);
  assert.deepEqual([...histogram(DOSE.data, ROWS, { min: 2, max: 3 }, 2)], [1, 1], "what lies outside is not counted");
});

test("a slider has at most some hundred steps, which are round", () => {
  assert.equal(stepOf({ min: 0, max: 1, whole: false }), 0.005);
  assert.equal(stepOf({ min: 0, max: 65535, whole: true }), 500);
  assert.equal(stepOf({ min: 1, max: 4, whole: true }), 1);
  assert.equal(stepOf({ min: 3, max: 3, whole: false }), 1);
});

test("a clause of numbers has the bounds that were given", () => {
  assert.deepEqual(rangeClause("dose", 2, null), { field: "dose", min: 2 });
  assert.deepEqual(rangeClause("dose", null, 5), { field: "dose", max: 5 });
  assert.deepEqual(rangeClause("dose", 0, 5), { field: "dose", min: 0, max: 5 });
  assert.equal(rangeClause("dose", null, null), null);
});

test("a list offers what is ticked even where no image has it, and none only where that is something", () => {
  assert.deepEqual(offeredValues("well", ["A", "B"], ["Z", "A"], false), ["A", "B", "Z"]);
  assert.deepEqual(offeredValues("well", ["A"], [], true), ["A", null]);
  assert.deepEqual(offeredValues("well", ["A"], [null], false), ["A", null]);
  assert.deepEqual(offeredValues("partition", ["unassigned", "training", "test"], [], false), ["training", "test", "unassigned"]);
});
