// How much there is of a category, in words, and whether a classifier can learn it.
import { counted } from "../commands.js";
import { countPartitions } from "../state/filter.js";
import { PARTITIONS } from "../types.js";

/** @typedef {import("../state/store.js").Store} Store */
/** @typedef {{ tone: "error" | "hint", text: string }} Warning */

/** One image to learn from, one to check with. */
const LEAST = 2;
const ENOUGH = 10;

/**
 * Why a category can hardly be trained on; null where it can.
 * @param {number} count   its labeled images that are not excluded
 * @returns {Warning | null}
 */
export function trainingWarning(count) {
  if (!count) return { tone: "hint", text: "No image yet: training leaves it out." };
  if (count < LEAST) {
    return { tone: "error", text: "Only 1 image: it cannot be split between training and validation. Label at least one more." };
  }
  if (count < ENOUGH) return { tone: "hint", text: `Only ${counted(count)}: too few to learn from, aim for at least ${ENOUGH}.` };
  return null;
}

/**
 * Labeled images of each category in the whole project, excluded ones left out; null while there is nothing to warn of: no
 * label yet, or blind mode, which hides how many there are.
 * @param {Store} store
 * @returns {Map<number, number> | null}
 */
export function trainable(store) {
  if (store.preferences.blind) return null;
  let { counts } = store;
  if (store.shown) {
    const all = Uint32Array.from({ length: store.table.length }, (_, row) => row);
    const partitions = countPartitions(all, store.category, store.table.columns.partition, store.excluded);
    counts = new Map(Array.from(partitions, ([id, each]) => [id, each.reduce((sum, count) => sum + count, 0)]));
  }
  for (const [id, count] of counts) if (id && count) return counts;
  return null;
}

/** How the list calls the partitions, in the order in which it shows them. */
export const COLUMNS = /** @type {const} */ ([["train", 1], ["val", 2], ["test", 3], ["rest", 0]]);

/**
 * @param {number[]} counts   by partition
 */
export function partitionWords(counts) {
  return COLUMNS.map(([, partition]) => `${PARTITIONS[partition]} ${counts[partition].toLocaleString("en")}`).join(", ");
}
