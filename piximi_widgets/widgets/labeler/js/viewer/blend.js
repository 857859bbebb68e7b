// Measured values to colours, with the same result for every pixel as `to_rgb` in Python: each visible channel goes from
// black at the low end of its window to its colour at the high end, and the colours are added and clipped. A photograph
// needs no case of its own here: bytes over their whole range come out as they are.

/** @typedef {Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array} Values */
/** @typedef {[number, number]} Window   the values shown as black and as full colour */
/** @typedef {{ data: Values, color: string, window: Window, gamma: number }} Layer   color: #rrggbb */

/** @typedef {{ least: number, count: number }} Range   the smallest and the number of values of a type */

/** Pixels that are worked on together, so that what lies between stays in the processor's cache. */
const BLOCK = 512;
const OPAQUE = 0xff000000;

/** The red, green and blue of #rrggbb. @param {string} color */
export function partsOf(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}

/**
 * The smallest and the number of values that a type can have, where a table of all is small; else null.
 * @param {Values} data
 * @returns {Range | null}
 */
function tableRange(data) {
  if (data instanceof Uint8Array) return { least: 0, count: 256 };
  if (data instanceof Int8Array) return { least: -128, count: 256 };
  if (data instanceof Uint16Array) return { least: 0, count: 65536 };
  if (data instanceof Int16Array) return { least: -32768, count: 65536 };
  return null;
}

/** @type {Map<string, Float64Array>} The brightness of every value, of the windows used last. */
const tables = new Map();

/**
 * @param {Layer} layer
 * @param {Range} range
 */
function tableOf({ window, gamma }, { least, count }) {
  const key = `${least} ${count} ${window} ${gamma}`;
  let table = tables.get(key);
  if (!table) {
    const data = new Int32Array(count);
    for (let at = 0; at < count; at++) data[at] = least + at;
    table = new Float64Array(count);
    brighten({ data, window, gamma }, 0, count, table);
    tables.set(key, table);
    if (tables.size > 8) tables.delete(/** @type {string} */ (tables.keys().next().value));
  }
  return table;
}

/**
 * Colour the pixels of some channels.
 * @param {Layer[]} layers   the visible channels, of one length
 * @param {Uint32Array} out  opaque red, green and blue, as a canvas takes them
 */
export function blend(layers, out) {
  const colors = layers.map(({ color }) => partsOf(color));
  const ranges = layers.map(({ data }) => tableRange(data));
  const apart = [0, 1, 2].every((part) => colors.filter((color) => color[part]).length <= 1);
  if (apart && layers.length <= 3 && ranges.every((range) => range)) {
    const packed = layers.map((layer, at) => packedTable(layer, colors[at], /** @type {any} */ (ranges[at])));
    return lookUp(layers.map(({ data }) => data), packed, ranges.map((range) => /** @type {any} */ (range).least), out);
  }
  blendByBlocks(layers, colors, ranges, out);
}

/**
 * @param {Layer[]} layers
 * @param {number[][]} colors
 * @param {(Range | null)[]} ranges
 * @param {Uint32Array} out
 */
function blendByBlocks(layers, colors, ranges, out) {
  const tables = layers.map((layer, at) => ranges[at] && tableOf(layer, ranges[at]));
  const values = layers.map(() => new Float64Array(BLOCK));
  const totals = [new Float64Array(BLOCK), new Float64Array(BLOCK), new Float64Array(BLOCK)];
  const sharing = [0, 1, 2].map((part) => colors.flatMap((color, at) => (color[part] ? [at] : [])));
  for (let start = 0; start < out.length; start += BLOCK) {
    const count = Math.min(BLOCK, out.length - start);
    for (let at = 0; at < layers.length; at++) {
      const table = tables[at];
      if (table) brightenByTable(layers[at].data, start, count, table, ranges[at]?.least ?? 0, values[at]);
      else brighten(layers[at], start, count, values[at]);
    }
    for (let part = 0; part < 3; part++) {
      totals[part].fill(0.5);
      for (const at of sharing[part]) addScaled(totals[part], values[at], colors[at][part], count);
    }
    pack(totals, start, count, out);
  }
}

/**
 * For each value its share of the pixel, for channels that have no part of the colour in common.
 * @param {Layer} layer
 * @param {number[]} color
 * @param {Range} range
 */
function packedTable(layer, [red, green, blue], range) {
  const table = tableOf(layer, range);
  const packed = new Uint32Array(table.length);
  for (let at = 0; at < packed.length; at++) {
    const value = table[at];
    packed[at] = OPAQUE | ((value * blue + 0.5) << 16) | ((value * green + 0.5) << 8) | (value * red + 0.5);
  }
  return packed;
}

/**
 * @param {Values[]} data
 * @param {Uint32Array[]} tables
 * @param {number[]} least
 * @param {Uint32Array} out
 */
function lookUp(data, tables, least, out) {
  const [a, b, c] = data;
  const [first, second, third] = tables;
  const [p, q, r] = least;
  if (!a) out.fill(OPAQUE);
  else if (!b) for (let at = 0; at < out.length; at++) out[at] = first[a[at] - p];
  else if (!c) for (let at = 0; at < out.length; at++) out[at] = first[a[at] - p] | second[b[at] - q];
  else for (let at = 0; at < out.length; at++) out[at] = first[a[at] - p] | second[b[at] - q] | third[c[at] - r];
}

/**
 * @param {Values} data
 * @param {number} start
 * @param {number} count
 * @param {Float64Array} table
 * @param {number} least
 * @param {Float64Array} into
 */
function brightenByTable(data, start, count, table, least, into) {
  for (let at = 0; at < count; at++) into[at] = table[data[start + at] - least];
}

/**
 * @param {Pick<Layer, "data" | "window" | "gamma">} layer
 * @param {number} start
 * @param {number} count
 * @param {Float64Array} into
 */
function brighten({ data, window: [low, high], gamma }, start, count, into) {
  const width = high - low;
  for (let at = 0; at < count; at++) {
    const fraction = (data[start + at] - low) / width;
    // Written so that NaN is 0.
    into[at] = fraction > 0 ? (fraction < 1 ? fraction : 1) : 0;
  }
  if (gamma !== 1) for (let at = 0; at < count; at++) into[at] **= gamma;
}

/**
 * @param {Float64Array} total
 * @param {Float64Array} values
 * @param {number} factor
 * @param {number} count
 */
function addScaled(total, values, factor, count) {
  for (let at = 0; at < count; at++) total[at] += values[at] * factor;
}

/**
 * @param {Float64Array[]} totals   red, green and blue, with the half already added that rounds them
 * @param {number} start
 * @param {number} count
 * @param {Uint32Array} out
 */
function pack([red, green, blue], start, count, out) {
  for (let at = 0; at < count; at++) {
    const r = red[at] < 255 ? red[at] | 0 : 255;
    const g = green[at] < 255 ? green[at] | 0 : 255;
    const b = blue[at] < 255 ? blue[at] | 0 : 255;
    out[start + at] = OPAQUE | (b << 16) | (g << 8) | r;
  }
}

/**
 * A window that has no width becomes one of width 1, as Python makes automatic windows.
 * @param {Window} window
 * @returns {Window}
 */
export function widened([low, high]) {
  return high > low ? [low, high] : [low, low + 1];
}
