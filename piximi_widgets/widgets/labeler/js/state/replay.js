// What the page shows: the kernel's truth with the edits that are on their way applied to it.
//
// Edits name categories by name, as the kernel does, so that an edit made with a category which has no id yet still finds it.
import { EXCLUDED, MINE, ORIGINS, UNSURE } from "../types.js";

/** @typedef {import("../types.js").Category} Category */
/** @typedef {import("../types.js").Operation} Operation */
/** @typedef {import("./table.js").Table} Table */

/**
 * By row of the table.
 * @typedef {object} Shown
 * @property {Int32Array} category
 * @property {Uint8Array} flags
 * @property {Uint8Array} origin
 * @property {Int32Array} refused
 * @property {Category[]} categories
 */

const BY_HAND = ORIGINS.indexOf("hand") | MINE;
const ACCEPTED = ORIGINS.indexOf("accepted") | MINE;

/** @type {Record<string, [number, boolean]>} */
const FLAGS = {
  exclude: [EXCLUDED, true],
  include: [EXCLUDED, false],
  mark_unsure: [UNSURE, true],
  mark_sure: [UNSURE, false],
};

/** @type {WeakMap<Operation, { table: Table, rows: Uint32Array }>} */
const resolved = new WeakMap();

/**
 * @param {Operation} operation
 * @param {Table} table
 */
function rowsOf(operation, table) {
  if (!operation.ids) return new Uint32Array(0);
  let entry = resolved.get(operation);
  if (!entry || entry.table !== table) {
    entry = { table, rows: table.rowsOf(operation.ids) };
    resolved.set(operation, entry);
  }
  return entry.rows;
}

/**
 * @param {Table} table
 * @param {Category[]} known        the categories as the kernel has them
 * @param {Operation[]} operations  oldest first
 * @returns {Shown}
 */
export function replay(table, known, operations) {
  const { columns } = table;
  /** @type {Shown} */
  const shown = {
    category: columns.category.slice(),
    flags: columns.flags.slice(),
    origin: columns.origin.slice(),
    refused: columns.refused.slice(),
    categories: known.slice(),
  };
  for (const operation of operations) {
    if (operation.ids) applyToImages(shown, table, operation);
    else applyToCategories(shown, operation);
  }
  return shown;
}

/**
 * @param {Shown} shown
 * @param {Table} table
 * @param {Operation} operation
 */
function applyToImages({ category, flags, origin, refused, categories }, table, operation) {
  const { action, argument } = operation;
  const rows = rowsOf(operation, table);
  const { prediction } = table.columns;
  const target = categories.find((each) => each.name === argument.name);
  if (action === "label" && target) {
    for (const row of rows) {
      category[row] = target.id;
      origin[row] = BY_HAND;
    }
  } else if (action === "unlabel") {
    for (const row of rows) category[row] = origin[row] = 0;
  } else if (action === "accept_predictions") {
    for (const row of rows) {
      if (!prediction[row]) continue;
      category[row] = prediction[row];
      origin[row] = ACCEPTED;
    }
  } else if (action === "refuse_predictions") {
    for (const row of rows) refused[row] = prediction[row];
  } else if (action in FLAGS) {
    const [flag, on] = FLAGS[action];
    for (const row of rows) flags[row] = on ? flags[row] | flag : flags[row] & ~flag;
  }
}

/**
 * @param {Shown} shown
 * @param {Operation} operation
 */
function applyToCategories(shown, { action, argument, sequence }) {
  /** @param {string} name */
  const find = (name) => shown.categories.find((candidate) => candidate.name === name);
  const target = find(argument.name);
  const change = (/** @type {Partial<Category>} */ news) => (/** @type {Category} */ each) => (each === target ? { ...each, ...news } : each);
  if (action === "add_category" && !target) {
    shown.categories.push({ id: -sequence, name: argument.name, color: argument.color, key: "" });
  } else if (action === "rename_category" && target) {
    shown.categories = shown.categories.map(change({ name: argument.new }));
  } else if (action === "recolor_category" && target) {
    shown.categories = shown.categories.map(change({ color: argument.color }));
  } else if (action === "set_category_key" && target) {
    const key = argument.key;
    const freed = shown.categories.map((each) => (key && each.key === key && each !== target ? { ...each, key: "" } : each));
    shown.categories = freed.map(change({ key }));
  } else if (action === "remove_category" && target) {
    move(shown, [target], find(argument.move_to ?? "")?.id ?? 0);
  } else if (action === "merge_categories") {
    const into = find(argument.into);
    const merged = argument.names.map(find).filter((/** @type {Category | undefined} */ each) => each && each !== into);
    if (into) move(shown, merged, into.id);
  } else if (action === "reorder_categories") {
    const place = new Map(argument.names.map((/** @type {string} */ name, /** @type {number} */ at) => [name, at]));
    shown.categories = shown.categories.slice().sort((a, b) => (place.get(a.name) ?? 1e9) - (place.get(b.name) ?? 1e9));
  }
}

/**
 * @param {Shown} shown
 * @param {Category[]} gone
 * @param {number} to   a category's id, 0 for none
 */
function move(shown, gone, to) {
  const ids = new Set(gone.map((each) => each.id));
  shown.categories = shown.categories.filter((each) => !ids.has(each.id));
  const { category, origin } = shown;
  for (let row = 0; row < category.length; row++) {
    if (!ids.has(category[row])) continue;
    category[row] = to;
    if (!to) origin[row] = 0;
  }
}
