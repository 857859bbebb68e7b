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
 * @param {DataView[]} buffers   in the order of the names below
 * @returns {Columns}
 */
export function columnsFrom(buffers) {
  const [ids, category, partition, flags, origin, prediction, refused, confidence, fixed] = buffers.map(aligned);
  return {
    ids: new Float64Array(ids),
    category: new Int32Array(category),
    partition: new Uint8Array(partition),
    flags: new Uint8Array(flags),
    origin: new Uint8Array(origin),
    prediction: new Int32Array(prediction),
    refused: new Int32Array(refused),
    confidence: new Float32Array(confidence),
    fixed: new Uint8Array(fixed),
  };
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
