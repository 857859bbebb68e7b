// Binary columns on the wire: little-endian arrays, each in a buffer of its own.

/** @typedef {import("../types.js").Columns} Columns */

/**
 * The bytes of a view, copied so that they are aligned: a message's buffers may start anywhere in a larger one.
 * @param {DataView | ArrayBuffer | Uint8Array} view
 * @returns {ArrayBuffer}
 */
export function aligned(view) {
  if (view instanceof ArrayBuffer) return view;
  return /** @type {ArrayBuffer} */ (view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** @param {DataView | ArrayBuffer | Uint8Array | null | undefined} view */
export function idsFrom(view) {
  return view ? new Float64Array(aligned(view)) : new Float64Array(0);
}

/**
 * @param {Float64Array} ids
 * @returns {ArrayBuffer}
 */
export function idsTo(ids) {
  return /** @type {ArrayBuffer} */ (ids.buffer.slice(ids.byteOffset, ids.byteOffset + ids.byteLength));
}

/**
 * Columns as Python packs them: one of equal values is that value, ids without a gap are the first and their number below zero.
 * @param {DataView[]} buffers   in the order of the names below
 * @returns {Columns}
 */
export function columnsFrom(buffers) {
  const [ids, category, partition, flags, origin, prediction, refused, confidence, fixed] = buffers.map(aligned);
  const all = run(new Float64Array(ids));
  const { length } = all;
  return {
    ids: all,
    category: filled(new Int32Array(category), length),
    partition: filled(new Uint8Array(partition), length),
    flags: filled(new Uint8Array(flags), length),
    origin: filled(new Uint8Array(origin), length),
    prediction: filled(new Int32Array(prediction), length),
    refused: filled(new Int32Array(refused), length),
    confidence: filled(new Float32Array(confidence), length),
    fixed: filled(new Uint8Array(fixed), length),
  };
}

/** @param {Float64Array} ids */
function run(ids) {
  if (!(ids[1] < 0)) return ids;
  const all = new Float64Array(-ids[1]);
  for (let at = 0; at < all.length; at++) all[at] = ids[0] + at;
  return all;
}

/**
 * @template {Float32Array | Int32Array | Uint8Array} T
 * @param {T} values
 * @param {number} length
 * @returns {T}
 */
function filled(values, length) {
  if (values.length === length) return values;
  const Type = /** @type {new (length: number) => T} */ (values.constructor);
  return /** @type {T} */ (new Type(length).fill(values[0]));
}

/** @returns {Columns} */
export function noColumns() {
  return columnsFrom(Array.from({ length: 9 }, () => new DataView(new ArrayBuffer(0))));
}

/**
 * A JSON value that travelled as a buffer.
 * @param {DataView} view
 */
export function jsonFrom(view) {
  return JSON.parse(new TextDecoder().decode(view));
}
