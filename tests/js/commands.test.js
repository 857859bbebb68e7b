import assert from "node:assert/strict";
import { test } from "node:test";
import { Commands, runLabelingKey } from "../../piximi_widgets/widgets/labeler/js/commands.js";
import { strokeOf } from "../../piximi_widgets/widgets/labeler/js/shortcuts.js";
import { Store } from "../../piximi_widgets/widgets/labeler/js/state/store.js";

const CATEGORIES = [
  { id: 1, name: "mitotic", color: "#0072b2", key: "" },
  { id: 2, name: "resting", color: "#e69f00", key: "m" },
];

/**
 * A store with one image for each label, whose edits are applied as they are made.
 * @param {{ category: number[], prediction?: number[], confidence?: number[], flags?: number[], origin?: number[] }} columns   by image; the ids are 1, 2, …
 * @param {Partial<import("../../piximi_widgets/widgets/labeler/js/state/preferences.js").Preferences>} [preferences]
 * @param {{ readOnly?: boolean, categories?: typeof CATEGORIES }} [project]
 */
function labeler({ category, prediction = [], confidence = [], flags = [], origin = [] }, preferences = {}, project = {}) {
  const store = new Store();
  Object.assign(store.preferences, preferences);
  const count = category.length;
  const filled = (/** @type {any} */ Type, /** @type {number[]} */ values) => Type.from({ length: count }, (/** @type {any} */ _, /** @type {number} */ at) => values[at] ?? 0);
  store.load(
    { revision: 1, categories: project.categories ?? CATEGORIES, project: "cells", predictions: "x1", read_only: project.readOnly ?? false, fields: [] },
    {
      ids: Float64Array.from({ length: count }, (_, at) => at + 1),
      category: Int32Array.from(category),
      partition: new Uint8Array(count),
      flags: filled(Uint8Array, flags),
      origin: filled(Uint8Array, origin),
      prediction: filled(Int32Array, prediction),
      refused: new Int32Array(count),
      confidence: filled(Float32Array, confidence),
      fixed: new Uint8Array(count),
    },
  );
  /** @type {{ action: string, ids: number[] | null, argument: object }[]} */
  const operations = [];
  const session = {
    store,
    operate(/** @type {string} */ action, /** @type {Float64Array | null} */ ids, argument = {}) {
      operations.push({ action, ids: ids && [...ids], argument });
      const operation = { project: "p", client: "c", sequence: operations.length, action, ids, argument, base: 1, revision: null };
      store.pending = [...store.pending, operation];
      store.refresh();
    },
  };
  const commands = new Commands(/** @type {any} */ (session));
  const select = (/** @type {number[]} */ ...ids) => store.selection.replace(Float64Array.from(ids));
  const selected = () => [...store.selection.list()];
  const press = (/** @type {string} */ key, more = {}) => {
    const stroke = strokeOf({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more });
    return stroke ? runLabelingKey(stroke, commands) : false;
  };
  return { store, commands, operations, select, selected, press };
}

test("a label goes to those selected images that do not have it", () => {
  const { commands, operations, store, select } = labeler({ category: [1, 0, 2, 0] });
  select(1, 2, 3);
  commands.label(store.categories[0]);
  assert.deepEqual(operations, [{ action: "label", ids: [2, 3], argument: { name: "mitotic" } }]);
  assert.equal(store.spoken, "2 images labeled mitotic.");
  commands.label(store.categories[0]);
  assert.equal(operations.length, 1);
  assert.equal(store.spoken, "Already mitotic.");
});

test("while the viewer shows an image, commands are about that image", () => {
  const { commands, operations, select } = labeler({ category: [0, 0, 0] });
  select(1, 2);
  commands.viewing = 3;
  commands.toggleUnsure();
  commands.toggleExcluded();
  assert.deepEqual(operations.map(({ action, ids }) => [action, ids]), [["mark_unsure", [3]], ["exclude", [3]]]);
});

test("without a selection commands say what to do", () => {
  const { commands, operations, store } = labeler({ category: [0], prediction: [1] });
  for (const run of [() => commands.label(store.categories[0]), () => commands.unlabel(), () => commands.accept(), () => commands.refuse(), () => commands.toggleUnsure()]) {
    store.spoken = "";
    run();
    assert.match(store.spoken, /Select images first/);
  }
  assert.equal(operations.length, 0);
});

test("a project that can only be read refuses every edit with a sentence", () => {
  const { commands, operations, store, select, selected } = labeler({ category: [0, 1], prediction: [1, 1], confidence: [0.9, 0.9] }, {}, { readOnly: true });
  select(1);
  const edits = [
    () => commands.label(store.categories[0]), () => commands.unlabel(), () => commands.accept(), () => commands.refuse(), () => commands.acceptAbove(0.5),
    () => commands.toggleExcluded(), () => commands.toggleUnsure(), () => commands.undo(), () => commands.redo(),
  ];
  for (const edit of edits) {
    store.spoken = "";
    edit();
    assert.match(store.spoken, /reading only/);
  }
  assert.equal(operations.length, 0);
  commands.selectAll();
  assert.deepEqual(selected(), [1, 2]);
});

test("flags are set where some image lacks them, and taken away where all have them", () => {
  const { commands, operations, store, select } = labeler({ category: [0, 0, 0], flags: [2, 0, 3] });
  select(1, 2, 3);
  commands.toggleUnsure();
  assert.equal(store.spoken, "1 image marked as unsure.");
  commands.toggleUnsure();
  assert.equal(store.spoken, "3 images no longer unsure.");
  commands.toggleExcluded();
  commands.toggleExcluded();
  assert.equal(store.spoken, "3 images included again.");
  assert.deepEqual(operations.map(({ action, ids }) => [action, ids]), [
    ["mark_unsure", [2]], ["mark_sure", [1, 2, 3]], ["exclude", [1, 2]], ["include", [1, 2, 3]],
  ]);
});

test("accepting labels what has a prediction, and says when nothing has one", () => {
  const { commands, operations, store, select } = labeler({ category: [0, 2, 1, 0], prediction: [1, 1, 1, 0] });
  select(1, 2, 3, 4);
  commands.accept();
  assert.deepEqual(operations, [{ action: "accept_predictions", ids: [1, 2], argument: { experiment: "x1" } }]);
  assert.equal(store.spoken, "2 images labeled as predicted.");
  select(1, 2);
  commands.accept();
  assert.equal(store.spoken, "Already labeled as predicted.");
  select(4);
  commands.accept();
  assert.equal(store.spoken, "This image has no prediction.");
  assert.equal(operations.length, 1);
});

test("a refused prediction is gone", () => {
  const { commands, operations, store, select } = labeler({ category: [0, 0], prediction: [1, 2] });
  select(1, 2);
  commands.refuse();
  assert.deepEqual(operations, [{ action: "refuse_predictions", ids: [1, 2], argument: { experiment: "x1" } }]);
  assert.equal(store.spoken, "2 predictions refused.");
  commands.refuse();
  assert.equal(store.spoken, "None of these images has a prediction.");
});

test("above a threshold means unlabeled images shown, not excluded, the threshold included", () => {
  const { commands, operations, store } = labeler({
    category: [0, 0, 1, 0, 0], prediction: [1, 2, 1, 1, 0], confidence: [0.9, 0.89, 0.99, 0.95, 0.99], flags: [0, 0, 0, 1, 0],
  });
  assert.deepEqual([...commands.aboveThreshold(0.9)], [1]);
  assert.deepEqual([...commands.aboveThreshold(0)], [1, 2]);
  commands.acceptAbove(0.99);
  assert.match(store.spoken, /99 % or more/);
  commands.acceptAbove(0.8);
  assert.deepEqual(operations.map(({ ids }) => ids), [[1, 2]]);
  store.setFilter([{ field: "category", values: ["resting"] }]);
  assert.deepEqual([...commands.aboveThreshold(0)], []);
});

test("a label moves on to the next unlabeled image that is not excluded, and from the end to the start", () => {
  const { commands, store, select, selected } = labeler({ category: [0, 0, 1, 0, 0], flags: [0, 0, 0, 1, 0] }, { advance: true });
  /** @type {number[]} */
  const revealed = [];
  commands.moved = (index) => revealed.push(index);
  select(2);
  commands.label(store.categories[0]);
  assert.deepEqual(selected(), [5]);
  commands.label(store.categories[0]);
  assert.deepEqual(selected(), [1]);
  commands.label(store.categories[0]);
  assert.deepEqual(selected(), [1]);
  assert.equal(store.spoken, "1 image labeled mitotic. No unlabeled image is left among those shown.");
  assert.deepEqual(revealed, [4, 0]);
});

test("moving on starts after the last of the selected images, also when they had the label already", () => {
  const { commands, store, select, selected, operations } = labeler({ category: [0, 1, 0, 1, 0] }, { advance: true });
  select(2, 4);
  commands.label(store.categories[0]);
  assert.equal(operations.length, 0);
  assert.deepEqual(selected(), [5]);
});

test("accepting moves on too, and refusing stays", () => {
  const { commands, select, selected } = labeler({ category: [0, 0, 0], prediction: [1, 1, 1] }, { advance: true });
  select(1);
  commands.refuse();
  assert.deepEqual(selected(), [1]);
  select(2);
  commands.accept();
  assert.deepEqual(selected(), [3]);
});

test("where the filter takes labeled images away, moving on goes to the image that follows", () => {
  const { commands, store, select, selected } = labeler({ category: [0, 0, 1, 0, 0] }, { advance: true });
  store.setFilter([{ field: "category", values: [null] }]);
  select(2, 1);
  commands.label(store.categories[0]);
  assert.deepEqual([selected(), store.selection.focus], [[4], 0]);
});

test("in the viewer, moving on shows the next image and leaves the selection", () => {
  const { commands, store, select, selected } = labeler({ category: [0, 0, 1, 0] }, { advance: true });
  select(1, 2);
  commands.viewing = 2;
  /** @type {number[]} */
  const followed = [];
  commands.follow = (id) => followed.push(id);
  commands.label(store.categories[0]);
  commands.within = new Set([2, 3]);
  commands.label(store.categories[0]);
  assert.deepEqual(followed, [4], "of a selection that is looked through, none is left");
  assert.deepEqual(selected(), [1, 2]);
});

test("in blind mode a hidden label is no label: the own one is given and journaled", () => {
  const { commands, operations, store, select } = labeler({ category: [1, 1, 0], origin: [9, 1, 0], prediction: [2, 2, 2] }, { blind: true });
  select(1, 2, 3);
  commands.label(store.categories[0]);
  assert.deepEqual(operations, [{ action: "label", ids: [2, 3], argument: { name: "mitotic", confirm: true } }]);
  commands.accept();
  assert.equal(store.spoken, "Predictions are hidden in blind mode.");
  assert.equal(operations.length, 1);
});

test("keys label, each with the category that has it", () => {
  const { press, operations, select, store } = labeler({ category: [0, 0] });
  select(1);
  assert.ok(press("1"));
  assert.ok(press("M"));
  assert.ok(press("ь", { code: "KeyM" }), "the place of m on a Cyrillic keyboard");
  assert.deepEqual(operations.map(({ argument }) => argument), [{ name: "mitotic" }, { name: "resting" }]);
  assert.ok(press("7"));
  assert.equal(store.spoken, "No category has the key 7.");
  assert.equal(press(";"), false);
  assert.equal(press("v"), false);
});

test("a category's own key counts before what its place means elsewhere", () => {
  const categories = [{ id: 1, name: "mitotic", color: "#0072b2", key: "г" }];
  const { press, operations, select } = labeler({ category: [0] }, {}, { categories });
  select(1);
  press("г", { code: "KeyU" });
  assert.deepEqual(operations.map(({ action }) => action), ["label"]);
});

test("labeling keys do what they say", () => {
  const { press, operations, select } = labeler({ category: [1, 0], prediction: [2, 2] });
  select(1);
  for (const [key, more] of /** @type {[string, object][]} */ ([["Enter", {}], ["u", {}], ["Backspace", {}], ["?", {}], ["Delete", {}], ["z", { ctrlKey: true }], ["y", { ctrlKey: true }]])) {
    assert.ok(press(key, more), key);
  }
  assert.deepEqual(operations.map(({ action }) => action), ["accept_predictions", "unlabel", "refuse_predictions", "mark_unsure", "exclude", "undo", "redo"]);
});

test("images are selected by category, of those that are shown", () => {
  const { commands, store, selected } = labeler({ category: [1, 2, 0, 1, 0] });
  commands.selectCategory(1);
  assert.deepEqual(selected(), [1, 4]);
  commands.selectCategory(0);
  assert.deepEqual(selected(), [3, 5]);
  commands.invert();
  assert.deepEqual(selected(), [1, 2, 4]);
  assert.equal(store.spoken, "3 images selected.");
  store.setOrder("-name");
  commands.selectIds(Float64Array.of(4, 77));
  assert.deepEqual(selected(), [4]);
});
