import assert from "node:assert/strict";
import { test } from "node:test";
import { describeClause, describeOrder, directions, filterableFields, isHiddenWhenBlind, localTime, sortableFields, wordNumber, wordingOf, wordValue } from "../../piximi_widgets/widgets/labeler/js/toolbar/wording.js";

/** @typedef {import("../../piximi_widgets/widgets/labeler/js/types.js").Clause} Clause */
/** @typedef {import("../../piximi_widgets/widgets/labeler/js/types.js").Field} Field */

const CATEGORIES = ["interphase", "mitotic", "Dead Cells", "debris"].map((name, at) => ({ id: at + 1, name, color: "#000000", key: "" }));

/** @type {Field[]} */
const FIELDS = [
  { name: "well", kind: "text" }, { name: "Dose", kind: "number" }, { name: "entropy", kind: "number" }, { name: "margin", kind: "number" },
  { name: "name", kind: "text" }, { name: "added", kind: "number" }, { name: "labeled_by", kind: "text" },
];

/** @param {[Clause, string][]} cases */
function reads(cases) {
  for (const [clause, words] of cases) assert.equal(describeClause(clause, CATEGORIES, FIELDS), words);
}

test("a chip names the values, the project's own as they are and ours in small letters", () => {
  reads([
    [{ field: "category", values: ["mitotic"] }, "Category: mitotic"],
    [{ field: "category", values: ["Dead Cells", null] }, "Category: Dead Cells, unlabeled"],
    [{ field: "partition", values: ["training", "test"] }, "Partition: training, test"],
    [{ field: "origin", values: ["hand"] }, "Label origin: by hand"],
    [{ field: "well", values: ["A01", null] }, "well: A01, none"],
  ]);
});

test("many values become a number", () => {
  reads([
    [{ field: "well", values: ["A", "B", "C"] }, "well: A, B, C"],
    [{ field: "well", values: ["A", "B", "C", "D", "E"] }, "well: A, B, 3 more"],
  ]);
});

test("what has a word of its own is called by it", () => {
  reads([
    [{ field: "category", values: [null] }, "Unlabeled"],
    [{ field: "category", values: CATEGORIES.map((each) => each.name) }, "Labeled"],
    [{ field: "prediction", values: [null] }, "Not predicted"],
    [{ field: "agreement", values: ["differs"] }, "Label and prediction differ"],
    [{ field: "agreement", values: ["agrees"] }, "Label and prediction agree"],
    [{ field: "agreement", values: [null] }, "Label or prediction missing"],
    [{ field: "agreement", values: ["agrees", "differs"] }, "Label and prediction: agree, differ"],
    [{ field: "unsure", is: true }, "Unsure"],
    [{ field: "unsure", is: false }, "Sure"],
    [{ field: "excluded", is: false }, "Not excluded"],
    [{ field: "refused", is: true }, "Prediction refused"],
  ]);
});

test("a chip says a range, one bound, or one number", () => {
  reads([
    [{ field: "confidence", min: 0.5, max: 0.8 }, "Confidence 0.5–0.8"],
    [{ field: "confidence", min: 0.5 }, "Confidence ≥ 0.5"],
    [{ field: "Dose", max: 12.3456789 }, "Dose ≤ 12.35"],
    [{ field: "width", min: 64, max: 64 }, "Width = 64"],
    [{ field: "brightness", min: 0, max: 65535 }, "Brightness 0–65,535"],
    [{ field: "added", min: new Date("2026-03-04T05:06:00").getTime() / 1000 }, "Time added ≥ 2026-03-04 05:06"],
  ]);
});

test("text and queries are shown as they were written", () => {
  reads([
    [{ field: "name", contains: "well A" }, "Name contains “well A”"],
    [{ query: 'category == "x" and width > 3' }, 'category == "x" and width > 3'],
  ]);
});

test("with a single category, its name says more than that something is labeled", () => {
  const one = CATEGORIES.slice(0, 1);
  assert.equal(describeClause({ field: "category", values: ["interphase"] }, one), "Category: interphase");
});

test("a value that is called like something in JavaScript stays itself", () => {
  assert.equal(wordValue("constructor", "toString"), "toString");
  assert.equal(wordValue("category", "toString"), "toString");
  assert.equal(wordingOf("constructor").group, "Metadata");
  assert.equal(describeClause({ field: "toString", values: ["x"] }, []), "toString: x");
});

test("a metadata column of another kind hides the field of that name", () => {
  assert.deepEqual(wordingOf("margin", [{ name: "margin", kind: "text" }]), { title: "margin", group: "Metadata", kind: "values" });
  assert.equal(wordingOf("margin", FIELDS).group, "Prediction");
});

test("numbers are short, times are local, and a written time is read back as the same minute", () => {
  assert.equal(wordNumber(0.123456), "0.1235");
  assert.equal(wordNumber(2048), "2048");
  const seconds = new Date("2026-07-01T12:34:00").getTime() / 1000;
  assert.equal(localTime(seconds + 20), "2026-07-01T12:34");
  assert.equal(new Date(localTime(seconds)).getTime() / 1000, seconds);
});

test("an order says its direction in words that fit the field", () => {
  assert.equal(describeOrder(""), "as added");
  assert.equal(describeOrder("random:7"), "random, seed 7");
  assert.equal(describeOrder("-entropy", FIELDS), "entropy, highest first");
  assert.equal(describeOrder("name", FIELDS), "name, A to Z");
  assert.equal(describeOrder("-added", FIELDS), "time added, newest first");
  assert.equal(describeOrder("-category"), "category, in reverse");
  assert.equal(describeOrder("-Dose", FIELDS), "Dose, highest first");
  assert.deepEqual(directions("well", FIELDS), ["A to Z", "Z to A"]);
});

test("the menu offers predictions only where there are some, and metadata last", () => {
  const names = filterableFields(FIELDS, { blind: false, predicted: false }).map((each) => each.name);
  assert.deepEqual(names, ["category", "origin", "labeled_by", "unsure", "excluded", "partition", "name", "added", "well", "Dose"]);
  const predicted = filterableFields(FIELDS, { blind: false, predicted: true });
  assert.deepEqual(predicted.filter((each) => each.group === "Prediction").map((each) => each.name), ["prediction", "agreement", "confidence", "margin", "entropy", "refused"]);
});

test("one sorts by what has an order", () => {
  const names = sortableFields(FIELDS, { blind: false, predicted: true }).map((each) => each.name);
  assert.deepEqual(names, ["category", "labeled_by", "partition", "prediction", "confidence", "margin", "entropy", "name", "added", "well", "Dose"]);
});

test("blind mode offers nothing that tells names, authors or predictions", () => {
  for (const offered of [filterableFields, sortableFields]) {
    const names = offered(FIELDS, { blind: true, predicted: true }).map((each) => each.name);
    assert.ok(names.includes("well") && !names.some(isHiddenWhenBlind));
    for (const hidden of ["name", "labeled_by", "prediction", "agreement", "confidence", "margin", "entropy", "refused"]) assert.ok(!names.includes(hidden), hidden);
  }
});
