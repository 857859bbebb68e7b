import assert from "node:assert/strict";
import { test } from "node:test";
import { CategoryCommands, keyConsequence, keyProblem, reordered } from "../../piximi_widgets/widgets/labeler/js/categories/category_commands.js";
import { partitionWords, trainable, trainingWarning } from "../../piximi_widgets/widgets/labeler/js/categories/category_counts.js";
import { categoryMenu } from "../../piximi_widgets/widgets/labeler/js/categories/category_menu.js";
import { imagesOf } from "../../piximi_widgets/widgets/labeler/js/categories/editing.js";
import { dropPlace } from "../../piximi_widgets/widgets/labeler/js/categories/reorder.js";
import { Store } from "../../piximi_widgets/widgets/labeler/js/state/store.js";

const NAMES = ["mitotic", "resting", "debris"];

/** A store of six images: category, partition and flags of each. */
function opened() {
  const store = new Store();
  const categories = NAMES.map((name, at) => ({ id: at + 1, name, color: `#00000${at}`, key: "" }));
  store.load(
    { revision: 1, categories, project: "cells", predictions: null, read_only: false, fields: [] },
    {
      ids: Float64Array.of(1, 2, 3, 4, 5, 6),
      category: Int32Array.of(1, 1, 1, 2, 0, 3),
      partition: Uint8Array.of(1, 1, 2, 1, 0, 0),
      flags: Uint8Array.of(0, 0, 1, 0, 0, 0),
      origin: new Uint8Array(6),
      prediction: new Int32Array(6),
      refused: new Int32Array(6),
      confidence: new Float32Array(6),
      fixed: new Uint8Array(6),
    },
  );
  return store;
}

/** Commands whose edits are seen at once, and what was sent and said. */
function working() {
  const store = opened();
  /** @type {[string, any][]} */
  const sent = [];
  /** @type {string[]} */
  const said = [];
  store.subscribe((change) => change === "status" && said.push(store.spoken));
  const session = {
    store,
    operate: (/** @type {string} */ action, /** @type {null} */ ids, /** @type {any} */ argument) => {
      sent.push([action, argument]);
      const operation = { project: "p", client: "c", sequence: sent.length, action, ids, argument, base: 1, revision: null };
      store.pending = [...store.pending, operation];
      store.refresh();
    },
  };
  const commands = new CategoryCommands(/** @type {any} */ (session));
  const named = (/** @type {string} */ name) => /** @type {any} */ (store.categories.find((each) => each.name === name));
  return { store, sent, said, commands, named };
}

test("a name is tidied, and one that is taken is refused with a sentence", () => {
  const { commands, named, sent, said } = working();
  assert.equal(commands.nameProblem("  "), "A category needs a name.");
  assert.equal(commands.nameProblem(" debris "), "There is already a category “debris”.");
  assert.equal(commands.nameProblem("debris", named("debris")), "");
  commands.addCategory(" cafe\u0301 ");
  assert.equal(sent[0][1].name, "caf\u00e9");
  commands.renameCategory(named("caf\u00e9"), "tea");
  assert.deepEqual(sent[1], ["rename_category", { name: "caf\u00e9", new: "tea" }]);
  assert.deepEqual(said, ["Category caf\u00e9 added.", "caf\u00e9 is now tea."]);
});

test("what changes nothing is not sent", () => {
  const { commands, named, sent } = working();
  commands.renameCategory(named("debris"), " debris ");
  commands.recolorCategory(named("debris"), "#000002");
  commands.moveCategory(named("debris"), 2);
  commands.setKey(named("debris"), "");
  assert.deepEqual(sent, []);
});

test("a deletion says what becomes of the images, excluded ones too", () => {
  const { commands, named, sent, said, store } = working();
  commands.removeCategory(named("mitotic"), named("resting"));
  assert.deepEqual(sent, [["remove_category", { name: "mitotic", move_to: "resting" }]]);
  assert.deepEqual([...store.category], [2, 2, 2, 2, 0, 3]);
  commands.removeCategory(named("debris"), null);
  assert.deepEqual(sent[1], ["remove_category", { name: "debris" }]);
  assert.deepEqual(said, ["Category mitotic deleted; 3 images now resting.", "Category debris deleted; 1 image now unlabeled."]);
});

test("a merge is one operation", () => {
  const { commands, named, sent, said, store } = working();
  commands.mergeCategory(named("mitotic"), named("debris"));
  assert.deepEqual(sent, [["merge_categories", { names: ["mitotic"], into: "debris" }]]);
  assert.deepEqual(said, ["mitotic merged into debris; 3 images relabeled."]);
  assert.deepEqual([...store.category], [3, 3, 3, 2, 0, 3]);
});

test("the order is sent whole, and the sentence gives the new place and key", () => {
  const { commands, named, sent, said } = working();
  commands.moveCategory(named("debris"), 0);
  assert.deepEqual(sent, [["reorder_categories", { names: ["debris", "mitotic", "resting"] }]]);
  assert.deepEqual(said, ["debris is now number 1 of 3, with the key 1."]);
});

test("a place beyond the ends is the end", () => {
  const all = [{ id: 1 }, { id: 2 }, { id: 3 }];
  const ids = (/** @type {number} */ id, /** @type {number} */ place) => reordered(all, { id }, place).map((each) => each.id);
  assert.deepEqual(ids(1, 9), [2, 3, 1]);
  assert.deepEqual(ids(3, -1), [3, 1, 2]);
  assert.deepEqual(ids(2, 1), [1, 2, 3]);
});

test("the images of a category are counted in the whole project, by partition", () => {
  const { commands, named, store } = working();
  store.show(Float64Array.of(1), "one");
  assert.deepEqual(commands.labeledWith(named("mitotic")), { total: 3, partitions: [0, 2, 1, 0] });
  assert.equal(imagesOf({ total: 1312, partitions: [0, 40, 0, 2] }), "1,312 images (40 in training, 2 in test)");
  assert.equal(imagesOf({ total: 1, partitions: [1, 0, 0, 0] }), "1 image");
});

test("blind mode does not make a deletion look smaller than it is", () => {
  const { commands, named, store } = working();
  store.setPreference("blind", true);
  assert.deepEqual([...store.category], [0, 0, 0, 0, 0, 0]);
  assert.equal(commands.labeledWith(named("mitotic")).total, 3);
});

test("showing only one category, and all again", () => {
  const { commands, named, said, store } = working();
  const unlabeled = { id: 0, name: "Unlabeled", color: "", key: "" };
  commands.toggleShown(named("resting"));
  assert.deepEqual(store.filter, [{ field: "category", values: ["resting"] }]);
  assert.equal(commands.showsOnly(named("resting")), true);
  assert.equal(commands.showsOnly(unlabeled), false);
  commands.toggleShown(unlabeled);
  assert.deepEqual(store.filter, [{ field: "category", values: [null] }]);
  commands.toggleShown(unlabeled);
  assert.deepEqual(store.filter, []);
  // The toolbar says how many are shown then, as after any other filter.
  assert.deepEqual(said, []);
});

test("a filter of several categories is not one of them alone", () => {
  const { commands, named, store } = working();
  store.setFilter([{ field: "category", values: ["resting", "debris"] }]);
  assert.equal(commands.showsOnly(named("resting")), false);
  assert.deepEqual(store.categories.map((each) => commands.inFilter(each)), [false, true, true]);
  commands.toggleShown(named("resting"));
  assert.deepEqual(store.filter, [{ field: "category", values: ["resting"] }]);
});

test("keys are digits and letters that do nothing else", () => {
  for (const key of ["1", "k", "K", "é", "ж"]) assert.equal(keyProblem(key), "", key);
  for (const key of ["", " ", "?", "ab", "+"]) assert.equal(keyProblem(key), "A key is a digit or a letter.", key);
  assert.equal(keyProblem("U"), "U removes the label. Choose another key.");
});

test("what a new key does to the others is said before", () => {
  const categories = opened().categories;
  const [mitotic, resting, debris] = categories;
  assert.equal(keyConsequence(categories, mitotic, "m"), "2 categories get another key.");
  assert.equal(keyConsequence(categories, debris, "n"), "");
  assert.equal(keyConsequence(categories, debris, "1"), "1 is the key of mitotic, which gets 2. 1 other category gets another key.");
  const kept = [mitotic, { ...resting, key: "n" }, debris];
  assert.equal(keyConsequence(kept, mitotic, "n"), "N is the key of resting, which gets 1.");
  const many = Array.from({ length: 40 }, (_, at) => ({ id: at + 1, name: `c${at}`, color: "#000000", key: at === 39 ? "n" : "" }));
  assert.match(keyConsequence(many, many[0], "n"), /^N is the key of c39, which gets none\./);
});

test("a key that is taken is the new one's alone", () => {
  const { commands, named, sent, said, store } = working();
  commands.setKey(named("mitotic"), "n");
  commands.setKey(named("debris"), "n");
  assert.deepEqual(sent.map(([, argument]) => argument), [{ name: "mitotic", key: "n" }, { name: "debris", key: "n" }]);
  assert.deepEqual(store.categories.map((each) => each.key), ["", "", "n"]);
  commands.setKey(named("debris"), "");
  assert.deepEqual(said, ["The key of mitotic is now N.", "The key of debris is now N.", "The key of debris is now 3."]);
});

test("a category with too few images is warned of, the worse case by its own tone", () => {
  assert.equal(trainingWarning(0)?.tone, "hint");
  assert.equal(trainingWarning(1)?.tone, "error");
  assert.equal(trainingWarning(2)?.tone, "hint");
  assert.match(trainingWarning(3)?.text ?? "", /^Only 3 images: too few to learn from, aim for at least 10\.$/);
  assert.equal(trainingWarning(10), null);
});

test("nothing is warned of before the first label, or in blind mode; some images shown count as all", () => {
  const { store } = working();
  store.show(Float64Array.of(4), "one");
  // The third image of mitotic is excluded.
  assert.deepEqual([1, 2, 3].map((id) => trainable(store)?.get(id)), [2, 1, 1]);
  store.setPreference("blind", true);
  assert.equal(trainable(store), null);
  store.setPreference("blind", false);
  store.show(null, "");
  store.table.columns.category.fill(0);
  store.refresh();
  assert.equal(trainable(store), null);
});

test("counts by partition are said in words, what training uses first", () => {
  assert.equal(partitionWords([3, 1234, 4, 0]), "training 1,234, validation 4, test 0, unassigned 3");
});

test("a project that is only read offers nothing that changes it", () => {
  const state = { index: 0, count: 3, key: "1", alone: false, editable: true };
  const run = /** @type {any} */ (new Proxy({}, { get: () => () => {} }));
  const category = { id: 1, name: "mitotic", color: "#000000", key: "" };
  const labels = (/** @type {object} */ more, target = category) => categoryMenu(target, { ...state, ...more }, run).map((item) => item.label);
  assert.equal(labels({}).length, 9);
  assert.deepEqual(labels({ editable: false }), ["Show only these", "Select these"]);
  assert.deepEqual(labels({ alone: true }, { ...category, id: 0 }), ["Show all images", "Select these"]);
  const off = (/** @type {object} */ more) => categoryMenu(category, { ...state, ...more }, run).filter((item) => item.disabled).map((item) => item.label);
  assert.deepEqual(off({}), ["Move up"]);
  assert.deepEqual(off({ index: 2 }), ["Move down"]);
  assert.deepEqual(off({ count: 1 }), ["Move up", "Move down", "Merge into…"]);
});

test("a row goes before or behind the one under the pointer", () => {
  const boxes = [0, 1, 2].map((at) => ({ left: 10, top: 100 + 30 * at, width: 200, height: 30 }));
  assert.equal(dropPlace(boxes, 50, 0).before, 0);
  assert.equal(dropPlace(boxes, 50, 140).before, 1);
  assert.equal(dropPlace(boxes, 50, 150).before, 2);
  assert.equal(dropPlace(boxes, 900, 900).before, 3);
  assert.deepEqual(dropPlace(boxes, 50, 150).line, { left: 10, top: 159, width: 200, height: 2 });
});

test("in several columns it goes to the left or the right", () => {
  const boxes = [0, 1, 2, 3].map((at) => ({ left: 10 + 210 * (at % 2), top: 100 + 30 * (at >> 1), width: 200, height: 30 }));
  assert.equal(dropPlace(boxes, 30, 145).before, 2);
  assert.equal(dropPlace(boxes, 190, 145).before, 3);
  assert.equal(dropPlace(boxes, 400, 135).before, 4);
  assert.deepEqual(dropPlace(boxes, 190, 145).line, { left: 209, top: 130, width: 2, height: 30 });
});
