// In which order images are shown. An order is text: "" as added, "name", "-confidence" for the highest first, "random:7".

/** @typedef {import("./fields.js").FieldData} FieldData */

/**
 * @param {string} order
 * @returns {{ field: string, descending: boolean, seed: number | null }}   the field "" stands for as added
 */
export function parsedOrder(order) {
  const seed = /^random:(\d+)$/.exec(order);
  if (seed) return { field: "random", descending: false, seed: Number(seed[1]) };
  const descending = order.startsWith("-");
  return { field: descending ? order.slice(1) : order, descending, seed: null };
}

/**
 * The rows of `scope`, sorted; ties stay as they were, and what has no value comes last either way.
 * @param {Uint32Array} scope
 * @param {FieldData} field
 * @param {boolean} descending
 */
export function sortedBy(scope, field, descending) {
  const sign = descending ? -1 : 1;
  return sortedByKeys(scope, (row) => {
    if (field.kind === "text") return field.codes[row] < 0 ? Infinity : sign * field.codes[row];
    return Number.isNaN(field.data[row]) ? Infinity : sign * field.data[row];
  });
}

/**
 * The rows of `scope` in an order that depends on the seed and on the images alone: one more image moves no other.
 * @param {Uint32Array} scope
 * @param {Float64Array} ids
 * @param {number} seed
 */
export function shuffled(scope, ids, seed) {
  return sortedByKeys(scope, (row) => mixed(ids[row], seed));
}

/**
 * @param {Uint32Array} scope
 * @param {(row: number) => number} keyOf
 */
function sortedByKeys(scope, keyOf) {
  const keys = new Float64Array(scope.length);
  for (let at = 0; at < keys.length; at++) keys[at] = keyOf(scope[at]);
  // The difference of two infinities is no number, and so neither is first.
  const places = scope.map((_, at) => at).sort((a, b) => keys[a] - keys[b] || a - b);
  return places.map((at) => scope[at]);
}

/**
 * 32 well-mixed bits of two whole numbers (the finaliser of MurmurHash3, twice).
 * @param {number} id
 * @param {number} seed
 */
function mixed(id, seed) {
  let bits = finalised((id ^ Math.imul(Math.floor(id / 2 ** 32) + 1, 0x9e3779b9)) | 0);
  bits = finalised(bits ^ finalised((seed + 0x9e3779b9) | 0));
  return bits >>> 0;
}

/** @param {number} bits */
function finalised(bits) {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
