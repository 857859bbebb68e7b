// The images as a person sees them: with her edits on their way, without refused predictions, and without what blind mode hides.
import { EXCLUDED, MINE, UNSURE } from "../types.js";
import { replay } from "./replay.js";

/** @typedef {import("../types.js").Category} Category */
/** @typedef {import("../types.js").Operation} Operation */
/** @typedef {import("./table.js").Table} Table */

/**
 * Categories, and by row of the table what is known of each image.
 * @typedef {object} Present
 * @property {Category[]} categories
 * @property {Int32Array} category
 * @property {Uint8Array} origin
 * @property {Uint8Array} excluded   not 0 where it is
 * @property {Uint8Array} unsure     not 0 where it is
 * @property {Int32Array} prediction
 * @property {Int32Array} refused    the prediction that was refused
 */

/**
 * @param {Table} table
 * @param {Category[]} known        the categories as the kernel has them
 * @param {Operation[]} operations  the edits on their way, oldest first
 * @param {boolean} blind           hide what others have said: their labels, and the classifier's predictions
 * @returns {Present}
 */
export function present(table, known, operations, blind) {
  const { categories, category, origin, refused, flags } = replay(table, known, operations);
  const prediction = table.columns.prediction.map((id, row) => (blind || id === refused[row] ? 0 : id));
  if (blind) {
    refused.fill(0);
    for (let row = 0; row < category.length; row++) {
      if (!(origin[row] & MINE)) category[row] = origin[row] = 0;
    }
  }
  const excluded = flags.map((each) => each & EXCLUDED);
  const unsure = flags.map((each) => each & UNSURE);
  return { categories, category, origin, excluded, unsure, prediction, refused };
}
