// Which images are shown, and how many there are of each category.

/** @typedef {import("./types.js").Filter} Filter */
/** @typedef {import("./types.js").Category} Category */
/** @typedef {import("./replay.js").Shown} Shown */

import { PARTITIONS } from "./types.js";

/**
 * The rows of `scope` that pass the filter, in its order.
 * @param {Uint32Array} scope
 * @param {Int32Array} category
 * @param {Uint8Array} partition
 * @param {Filter} filter
 */
export function visibleRows(scope, category, partition, filter) {
  const byCategory = filter.category;
  const byPartition = filter.partition;
  if (byCategory === undefined && byPartition === undefined) return scope;
  const rows = new Uint32Array(scope.length);
  let count = 0;
  for (const row of scope) {
    if (byCategory !== undefined && category[row] !== byCategory) continue;
    if (byPartition !== undefined && partition[row] !== byPartition) continue;
    rows[count++] = row;
  }
  return rows.subarray(0, count);
}

/**
 * Images of each category (0: unlabeled) in `scope`; excluded images are not counted.
 * @param {Uint32Array} scope
 * @param {Int32Array} category
 * @param {Uint8Array} excluded
 * @returns {Map<number, number>}
 */
export function countCategories(scope, category, excluded) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  let last = 0;
  let run = 0;
  // Neighbours mostly share a category: counting runs touches the map far less often.
  for (const row of scope) {
    if (excluded[row]) continue;
    if (category[row] !== last) {
      counts.set(last, (counts.get(last) ?? 0) + run);
      last = category[row];
      run = 0;
    }
    run++;
  }
  counts.set(last, (counts.get(last) ?? 0) + run);
  return counts;
}

/**
 * Images of each partition in `scope`.
 * @param {Uint32Array} scope
 * @param {Uint8Array} partition
 */
export function countPartitions(scope, partition) {
  const counts = PARTITIONS.map(() => 0);
  for (const row of scope) counts[partition[row]]++;
  return counts;
}

/**
 * A filter in the kernel's words: names instead of ids, null for unlabeled.
 * @param {Filter} filter
 * @param {Category[]} categories
 */
export function filterToNames(filter, categories) {
  /** @type {Record<string, string | null>} */
  const named = {};
  if (filter.category === 0) named.category = null;
  else if (filter.category !== undefined) {
    const found = categories.find((each) => each.id === filter.category);
    if (found) named.category = found.name;
  }
  if (filter.partition !== undefined) named.partition = PARTITIONS[filter.partition];
  return named;
}

/**
 * @param {Record<string, string | null>} named
 * @param {Category[]} categories
 * @returns {Filter}
 */
export function filterFromNames(named, categories) {
  /** @type {Filter} */
  const filter = {};
  if (named.category === null) filter.category = 0;
  else if (named.category !== undefined) {
    const found = categories.find((each) => each.name === named.category);
    if (found) filter.category = found.id;
  }
  const partition = PARTITIONS.indexOf(named.partition ?? "");
  if (partition >= 0) filter.partition = partition;
  return filter;
}
