import assert from "node:assert/strict";
import { test } from "node:test";
import { replay } from "../../piximi_widgets/widgets/labeler/js/state/replay.js";
import { Table } from "../../piximi_widgets/widgets/labeler/js/state/table.js";
import { columnsOf } from "./columns.js";

/** @param {string} action @param {object} argument @param {number[] | null} ids @param {number} sequence */
const operation = (action, argument, ids, sequence = 1) => ({
  project: "p", client: "c", sequence, action, argument, ids: ids && Float64Array.from(ids), base: 0, revision: null,
});

const CATEGORIES = [{ id: 1, name: "a", color: "#111111", key: "" }, { id: 2, name: "b", color: "#222222", key: "x" }];
const names = (/** @type {{ name: string }[]} */ categories) => categories.map((each) => each.name).join(" ");

test("edits are applied to what the kernel said, which stays as it is", () => {
  const table = new Table(columnsOf(3, { category: [1, 0, 2], origin: [3, 0, 1] }));
  const edits = [
    operation("label", { name: "b" }, [1, 2]),
    operation("unlabel", {}, [3], 2),
    operation("exclude", {}, [2], 3),
    operation("mark_unsure", {}, [2, 3], 4),
    operation("mark_sure", {}, [3], 5),
  ];
  const shown = replay(table, CATEGORIES, edits);
  assert.deepEqual([...shown.category], [2, 2, 0]);
  assert.deepEqual([...shown.flags], [0, 3, 0]);
  assert.deepEqual([...shown.origin], [9, 9, 0], "given by hand, by whoever sits here");
  assert.deepEqual([[...table.columns.category], [...table.columns.flags], [...table.columns.origin]], [[1, 0, 2], [0, 0, 0], [3, 0, 1]]);
});

test("accepting gives images what was predicted, and refusing notes it", () => {
  const table = new Table(columnsOf(4, { category: [1, 0, 0, 0], prediction: [2, 2, 0, 1] }));
  const shown = replay(table, CATEGORIES, [operation("accept_predictions", { experiment: "e" }, [1, 2, 3]), operation("refuse_predictions", { experiment: "e" }, [4], 2)]);
  assert.deepEqual([...shown.category], [2, 2, 0, 0], "what has no prediction stays");
  assert.deepEqual([...shown.origin], [10, 10, 0, 0]);
  assert.deepEqual([...shown.refused], [0, 0, 0, 1]);
});

test("an edit may use a category that has no id yet, under its newest name", () => {
  const table = new Table(columnsOf(2));
  const edits = [
    operation("add_category", { name: "new", color: "#333333" }, null, 4),
    operation("label", { name: "new" }, [1], 5),
    operation("rename_category", { name: "new", new: "newer" }, null, 6),
    operation("label", { name: "newer" }, [2], 7),
  ];
  const shown = replay(table, CATEGORIES, edits);
  assert.deepEqual([...shown.category], [-4, -4]);
  assert.deepEqual(shown.categories.at(-1), { id: -4, name: "newer", color: "#333333", key: "" });
  // The kernel has stored the first edit: the same later edits find the real id.
  const known = replay(table, [...CATEGORIES, { id: 3, name: "new", color: "#333333", key: "" }], edits.slice(1));
  assert.deepEqual([...known.category], [3, 3]);
});

test("a deleted category leaves its images unlabeled or to another one, and merging moves them", () => {
  const table = new Table(columnsOf(3, { category: [1, 2, 1], origin: [1, 1, 3] }));
  const deleted = replay(table, CATEGORIES, [operation("remove_category", { name: "a" }, null)]);
  assert.deepEqual([[...deleted.category], [...deleted.origin], names(deleted.categories)], [[0, 2, 0], [0, 1, 0], "b"]);
  const left = replay(table, CATEGORIES, [operation("remove_category", { name: "a", move_to: "b" }, null)]);
  assert.deepEqual([[...left.category], [...left.origin]], [[2, 2, 2], [1, 1, 3]]);
  const merged = replay(table, CATEGORIES, [operation("merge_categories", { names: ["a", "b", "gone"], into: "b" }, null)]);
  assert.deepEqual([[...merged.category], names(merged.categories)], [[2, 2, 2], "b"]);
});

test("categories are reordered, recoloured and given keys, of which each belongs to one", () => {
  const table = new Table(columnsOf(1));
  const edits = [
    operation("reorder_categories", { names: ["b", "a"] }, null),
    operation("recolor_category", { name: "a", color: "#999999" }, null, 2),
    operation("set_category_key", { name: "a", key: "x" }, null, 3),
  ];
  assert.deepEqual(replay(table, CATEGORIES, edits).categories, [
    { id: 2, name: "b", color: "#222222", key: "" },
    { id: 1, name: "a", color: "#999999", key: "x" },
  ]);
});

test("undo and redo are the kernel's to say", () => {
  const table = new Table(columnsOf(1, { category: [1] }));
  assert.deepEqual([...replay(table, CATEGORIES, [operation("undo", {}, null), operation("redo", {}, null, 2)]).category], [1]);
});
