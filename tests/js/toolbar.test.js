import assert from "node:assert/strict";
import { test } from "node:test";
import { itemTyped } from "../../piximi_widgets/widgets/labeler/js/controls/menu.js";
import { tally } from "../../piximi_widgets/widgets/labeler/js/toolbar/prediction_menu.js";
import { nextIn } from "../../piximi_widgets/widgets/labeler/js/controls/roving.js";
import { savingWords } from "../../piximi_widgets/widgets/labeler/js/toolbar/saving_mark.js";
import { countShown } from "../../piximi_widgets/widgets/labeler/js/toolbar/selecting.js";
import { labelWords, sizeWords } from "../../piximi_widgets/widgets/labeler/js/statusbar.js";
import { forgetHidden } from "../../piximi_widgets/widgets/labeler/js/toolbar/view_menu.js";

/** @typedef {import("../../piximi_widgets/widgets/labeler/js/types.js").Clause} Clause */

test("arrows go round the toolbar, and other keys nowhere", () => {
  assert.deepEqual([nextIn(3, 0, "ArrowRight"), nextIn(3, 2, "ArrowRight"), nextIn(3, 0, "ArrowLeft")], [1, 0, 2]);
  assert.deepEqual([nextIn(3, 1, "Home"), nextIn(3, 1, "End")], [0, 2]);
  assert.deepEqual([nextIn(3, 1, "x"), nextIn(3, -1, "ArrowRight"), nextIn(0, 0, "ArrowRight")], [-1, -1, -1]);
});

test("a letter goes on to the next item with it, and a word to the item that starts so", () => {
  const labels = ["Prediction", "Partition", "Name", "Planes"];
  assert.equal(itemTyped(labels, "p", 0), 1);
  assert.equal(itemTyped(labels, "p", 3), 0);
  assert.equal(itemTyped(labels, "pl", 0), 3);
  assert.equal(itemTyped(labels, "pa", 1), 1, "it stays where it is as long as that fits");
  assert.equal(itemTyped(labels, "z", 0), -1);
});

test("the mark says what is saved, and what waits where", () => {
  const usual = { saving: /** @type {"saved" | "saving" | "offline"} */ ("saved"), waiting: 0, silent: false, reason: "", storage: true, readOnly: false };
  assert.equal(savingWords(usual).text, "Saved");
  assert.equal(savingWords({ ...usual, saving: "saving", waiting: 1 }).state, "saving");
  const offline = savingWords({ ...usual, saving: "offline", waiting: 2, reason: "The kernel is gone." });
  assert.equal(offline.text, "Offline · 2 edits waiting");
  assert.match(offline.title, /^The kernel is gone\. They are kept/);
  assert.match(savingWords({ ...usual, saving: "offline", waiting: 1, storage: false }).title, /leave the page open/);
  assert.equal(savingWords({ ...usual, readOnly: true }).text, "Read-only");
  assert.equal(savingWords({ ...usual, readOnly: true, silent: true }).state, "offline", "a kernel that does not answer is said first");
});

/** @param {Clause[]} filter @param {string} order */
function switched(filter, order) {
  const store = {
    filter, order,
    setFilter: (/** @type {Clause[]} */ next) => void (store.filter = next),
    setOrder: (/** @type {string} */ next) => void (store.order = next),
  };
  forgetHidden(store);
  return [store.filter, store.order];
}

test("blind mode lets go of clauses and orders that would tell what it hides", () => {
  /** @type {Clause} */
  const kept = { field: "category", values: [null] };
  assert.deepEqual(switched([{ field: "name", contains: "x" }, kept, { query: "confidence > 0.9" }], "-entropy"), [[kept], ""]);
  assert.deepEqual(switched([kept], "random:3"), [[kept], "random:3"]);
});

test("what is shown is counted by category, whatever else there is", () => {
  const counts = countShown({ visible: Uint32Array.of(0, 2, 3), category: Int32Array.of(5, 7, 0, 5) });
  assert.deepEqual([...counts], [[5, 2], [0, 1]]);
});

test("a threshold tells its images by predicted category, in the order of the list", () => {
  const categories = [{ id: 4, name: "a", color: "#000000", key: "" }, { id: 2, name: "b", color: "#000000", key: "" }, { id: 9, name: "c", color: "#000000", key: "" }];
  const table = /** @type {any} */ ({ rowsOf: (/** @type {Float64Array} */ ids) => Uint32Array.from(ids, (id) => id - 1) });
  const counts = tally({ table, prediction: Int32Array.of(2, 4, 2, 2), categories }, Float64Array.of(1, 2, 4));
  assert.deepEqual(counts.map(({ category, count }) => [category.name, count]), [["a", 1], ["b", 2]]);
});

/** @param {Record<string, any>} more */
function described(more) {
  const names = /** @type {Record<number, string>} */ ({ 1: "mitotic", 2: "dead" });
  const columns = { confidence: Float32Array.of(0.873), partition: Uint8Array.of(1) };
  const store = {
    category: Int32Array.of(1), origin: Uint8Array.of(1 + 8), prediction: Int32Array.of(0), excluded: Uint8Array.of(0), unsure: Uint8Array.of(0),
    categoryOf: (/** @type {number} */ id) => (names[id] ? { name: names[id] } : null),
    table: { columns }, preferences: { blind: false }, fieldData: () => null, ...more,
  };
  return labelWords(/** @type {any} */ (store), 0);
}

test("the status line says where a label came from", () => {
  assert.deepEqual(described({}), ["mitotic (by you)", "training"]);
  assert.equal(described({ origin: Uint8Array.of(1) })[0], "mitotic (by hand)");
  assert.equal(described({ origin: Uint8Array.of(2 + 8) })[0], "mitotic (accepted prediction, by you)");
  assert.equal(described({ category: Int32Array.of(0), origin: Uint8Array.of(0) })[0], "unlabeled");
});

test("the author is named where it is known, and never in blind mode", () => {
  const fieldData = () => ({ name: "labeled_by", kind: "text", values: ["Ada"], codes: Int32Array.of(0) });
  assert.equal(described({ origin: Uint8Array.of(1), fieldData })[0], "mitotic (by hand, by Ada)");
  assert.equal(described({ origin: Uint8Array.of(1), fieldData, preferences: { blind: true } })[0], "mitotic (by hand)");
});

test("prediction, doubt and exclusion stand beside the label", () => {
  const words = described({ prediction: Int32Array.of(2), unsure: Uint8Array.of(2), excluded: Uint8Array.of(1) });
  assert.deepEqual(words, ["mitotic (by you)", "predicted dead 87 %", "unsure", "excluded", "training"]);
  assert.deepEqual(labelWords(/** @type {any} */ ({}), -1), []);
});

test("sizes are said as far as they are known", () => {
  const image = { name: "x", width: 512, height: 256, channels: 1, planes: 1, pixel_size: null };
  assert.deepEqual(sizeWords(image), ["512 × 256"]);
  assert.deepEqual(sizeWords({ ...image, channels: 3, planes: 5, pixel_size: [2, 0.65, 0.65] }), ["512 × 256", "3 channels", "5 planes", "pixels of 0.65 µm", "planes 2 µm apart"]);
  assert.deepEqual(sizeWords({ ...image, pixel_size: [null, 0.5, 0.25] }).at(-1), "pixels of 0.25 × 0.5 µm");
});
