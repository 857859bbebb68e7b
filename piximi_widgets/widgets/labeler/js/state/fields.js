// What images can be filtered and sorted by, whatever it is: texts as codes into a list of values, or numbers.
import { aligned, idsFrom, jsonFrom } from "../kernel/bytes.js";
import { ORIGINS, PARTITIONS } from "../types.js";

/** @typedef {import("../types.js").Category} Category */
/** @typedef {import("./table.js").Table} Table */

/**
 * By row of the table. Texts: a position in `values`, which are in their natural order, or -1 for none. Numbers: NaN for none.
 * @typedef {{ name: string, kind: "text", values: string[], codes: Int32Array } | { name: string, kind: "number", data: Float64Array | Float32Array }} FieldData
 */

/**
 * What the page holds itself.
 * @typedef {object} Held
 * @property {Table} table
 * @property {Category[]} categories
 * @property {Int32Array} category
 * @property {Uint8Array} origin
 * @property {Int32Array} prediction
 */

/** @type {Record<string, (held: Held) => FieldData>} */
const HELD = {
  category: ({ categories, category }) => byCategory("category", categories, category),
  prediction: ({ categories, prediction }) => byCategory("prediction", categories, prediction),
  partition: ({ table }) => ({ name: "partition", kind: "text", values: [...PARTITIONS], codes: new Int32Array(table.columns.partition) }),
  origin: ({ origin }) => ({
    name: "origin",
    kind: "text",
    values: /** @type {string[]} */ (ORIGINS.slice(1)),
    // The bits below MINE.
    codes: filled(new Int32Array(origin.length), (row) => (origin[row] & 7) - 1),
  }),
  agreement: ({ category, prediction }) => ({
    name: "agreement",
    kind: "text",
    values: ["agrees", "differs"],
    codes: category.map((id, row) => (!id || !prediction[row] ? -1 : id === prediction[row] ? 0 : 1)),
  }),
  confidence: ({ table, prediction }) => ({
    name: "confidence",
    kind: "number",
    data: table.columns.confidence.map((value, row) => (prediction[row] ? value : NaN)),
  }),
};

/** Fields that need no question to the kernel. */
export const HELD_FIELDS = Object.keys(HELD);

/** Fields that labeling changes. */
export const LABEL_FIELDS = new Set(["category", "origin", "agreement", "labeled_by"]);

/** Fields that the classifier has a say in. */
export const PREDICTION_FIELDS = new Set(["prediction", "confidence", "agreement", "margin", "entropy", "refused"]);

/**
 * A field made from what the page holds; null for one that only the kernel knows.
 * @param {string} name
 * @param {Held} held
 * @returns {FieldData | null}
 */
export function heldField(name, held) {
  return Object.hasOwn(HELD, name) ? HELD[name](held) : null;
}

/**
 * @param {string} name
 * @param {Category[]} categories
 * @param {Int32Array} ids
 * @returns {FieldData}
 */
function byCategory(name, categories, ids) {
  const place = new Map(categories.map((category, at) => [category.id, at]));
  let last = 0;
  let code = -1;
  // Neighbours mostly share a category.
  const codes = ids.map((id) => {
    if (id !== last) {
      last = id;
      code = place.get(id) ?? -1;
    }
    return code;
  });
  return { name, kind: "text", values: categories.map((category) => category.name), codes };
}

/**
 * The kernel's answer to a question for a field.
 * @param {{ name: string, kind: "text" | "number" }} content
 * @param {DataView[]} buffers   ids; then codes and values, or numbers
 * @param {Table} table
 * @returns {FieldData}
 */
export function fieldFrom({ name, kind }, buffers, table) {
  const ids = idsFrom(buffers[0]);
  const rows = rowsOf(ids, table);
  if (kind === "text") {
    const codes = spread(new Int32Array(aligned(buffers[1])), rows, new Int32Array(table.length).fill(-1));
    return { name, kind, values: jsonFrom(buffers[2]), codes };
  }
  return { name, kind, data: spread(new Float64Array(aligned(buffers[1])), rows, new Float64Array(table.length).fill(NaN)) };
}

/**
 * A field of a former table for the images that are still there, until the kernel has answered anew.
 * @param {FieldData} field
 * @param {Table} former
 * @param {Table} table
 * @returns {FieldData}
 */
export function moved(field, former, table) {
  const rows = rowsOf(former.columns.ids, table);
  if (field.kind === "text") return { ...field, codes: spread(field.codes, rows, new Int32Array(table.length).fill(-1)) };
  return { ...field, data: spread(field.data, rows, new Float64Array(table.length).fill(NaN)) };
}

/** Where images are in a table; -1 for nowhere. @param {Float64Array} ids @param {Table} table */
function rowsOf(ids, table) {
  return filled(new Int32Array(ids.length), (at) => table.rowOf(ids[at]));
}

/**
 * Loops are ten times as fast here as the iterators of `from`.
 * @template {Int32Array | Float64Array} T
 * @param {T} target
 * @param {(at: number) => number} value
 * @returns {T}
 */
function filled(target, value) {
  for (let at = 0; at < target.length; at++) target[at] = value(at);
  return target;
}

/**
 * @template {Int32Array | Float64Array | Float32Array} T
 * @param {T} values
 * @param {Int32Array} rows   where each goes; -1 for nowhere
 * @param {T} target
 * @returns {T}
 */
function spread(values, rows, target) {
  rows.forEach((row, at) => {
    if (row >= 0) target[row] = values[at];
  });
  return target;
}
