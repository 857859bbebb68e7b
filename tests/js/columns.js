// Columns of a few images for tests; what is not given is nought.

/**
 * @param {number} count
 * @param {Partial<Record<"ids" | "category" | "partition" | "flags" | "origin" | "prediction" | "refused" | "confidence" | "fixed", ArrayLike<number>>>} [given]
 * @returns {import("../../piximi_widgets/widgets/labeler/js/types.js").Columns}
 */
export function columnsOf(count, given = {}) {
  const zeros = new Array(count).fill(0);
  return {
    ids: Float64Array.from(given.ids ?? zeros.map((_, row) => row + 1)),
    category: Int32Array.from(given.category ?? zeros),
    partition: Uint8Array.from(given.partition ?? zeros),
    flags: Uint8Array.from(given.flags ?? zeros),
    origin: Uint8Array.from(given.origin ?? zeros),
    prediction: Int32Array.from(given.prediction ?? zeros),
    refused: Int32Array.from(given.refused ?? zeros),
    confidence: Float32Array.from(given.confidence ?? zeros),
    fixed: Uint8Array.from(given.fixed ?? zeros),
  };
}

/** The same as the buffers of a message. @param {import("../../piximi_widgets/widgets/labeler/js/types.js").Columns} columns */
export function buffersOf(columns) {
  const { ids, category, partition, flags, origin, prediction, refused, confidence, fixed } = columns;
  return [ids, category, partition, flags, origin, prediction, refused, confidence, fixed].map((column) => /** @type {ArrayBuffer} */ (column.slice().buffer));
}

/** A generator of its own, so that a failure repeats. @param {number} seed */
export function generator(seed) {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}
