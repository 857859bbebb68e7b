// What the page shows: the kernel's truth with the edits that are on their way applied to it.
//
// Edits name categories by name, as the kernel does, so that an edit made with a category which has no id yet still finds it.

/** @typedef {import("./types.js").Category} Category */
/** @typedef {import("./types.js").Operation} Operation */
/** @typedef {import("./table.js").Table} Table */

/** @typedef {{ category: Int32Array, excluded: Uint8Array, categories: Category[] }} Shown */

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
  const category = table.columns.category.slice();
  const excluded = table.columns.excluded.slice();
  let categories = known.slice();
  /** @param {string} name */
  const find = (name) => categories.find((candidate) => candidate.name === name);
  for (const operation of operations) {
    const { action, argument } = operation;
    const target = find(argument.name);
    if (action === "label" && target) {
      for (const row of rowsOf(operation, table)) category[row] = target.id;
    } else if (action === "unlabel") {
      for (const row of rowsOf(operation, table)) category[row] = 0;
    } else if (action === "exclude" || action === "include") {
      for (const row of rowsOf(operation, table)) excluded[row] = action === "exclude" ? 1 : 0;
    } else if (action === "add_category" && !target) {
      categories.push({ id: -operation.sequence, name: argument.name, color: argument.color });
    } else if (action === "rename_category" && target) {
      categories = categories.map((each) => (each === target ? { ...each, name: argument.new } : each));
    } else if (action === "recolor_category" && target) {
      categories = categories.map((each) => (each === target ? { ...each, color: argument.color } : each));
    } else if (action === "remove_category" && target) {
      categories = categories.filter((each) => each !== target);
      for (let row = 0; row < category.length; row++) if (category[row] === target.id) category[row] = 0;
    }
  }
  return { category, excluded, categories };
}
