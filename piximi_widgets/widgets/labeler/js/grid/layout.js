// Where tiles lie, as arithmetic: rows of equal height in a scroller that may hold more than a browser can lay out.

/** Firefox lays out no element higher than about 17.8 million pixels. */
export const TALLEST = 15_000_000;
export const SMALLEST = 32;
const GAP = 8;
const TINY_GAP = 4;
/** The slider's way from one number of columns to the next is cut into steps no larger than this part of it. */
const STEP = 1 / 24;

/**
 * @typedef {object} Geometry
 * @property {number} columns
 * @property {number} rows
 * @property {number} count
 * @property {number} tile      the width of a tile, and of its picture
 * @property {number} picture   the height of a picture: as wide, but never higher than the stage
 * @property {number} tag       the height of the label under it
 * @property {number} left      from the left edge to the first tile
 * @property {number} stride    from one tile's left edge to the next's
 * @property {number} gap       between rows
 * @property {number} pitch     from one row's top to the next
 * @property {number} total     the height of all rows
 * @property {number} spacer    the height of the scrolled element
 * @property {number} height    the height of what is seen of it
 */

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Rectangle   from the first tile's corner on */

/** The size that fits a stage of this width. @param {number} size @param {number} width */
function clampedSize(size, width) {
  return Math.max(SMALLEST, Math.min(size, Math.floor(width)));
}

/**
 * @param {number} size
 * @param {number} width
 */
function columnsFor(size, width) {
  const gap = size < 64 ? TINY_GAP : GAP;
  return Math.max(1, Math.floor((width + gap) / (size + gap)));
}

/**
 * @param {{ width: number, height: number, size: number, count: number }} view   size: the smallest side of a picture
 * @returns {Geometry}
 */
export function geometry({ width, height, size: wanted, count }) {
  const size = clampedSize(wanted, width);
  const gap = size < 64 ? TINY_GAP : GAP;
  const columns = columnsFor(size, width);
  // Columns fill the width; a single one is as wide as it is asked to be, so that the last way to the full width is smooth too.
  const tile = Math.max(16, columns === 1 ? Math.min(size, Math.floor(width)) : Math.floor((width - gap * (columns - 1)) / columns));
  const tag = size < 56 ? 13 : size < 240 ? 20 : 26;
  const picture = Math.max(16, Math.min(tile, Math.floor(height) - tag));
  const pitch = picture + tag + gap;
  const rows = Math.ceil(count / columns);
  const total = Math.max(0, rows * pitch - gap);
  const left = columns === 1 ? Math.max(0, (width - tile) / 2) : 0;
  const stride = columns === 1 ? tile + gap : (width - tile) / (columns - 1);
  return { columns, rows, count, tile, picture, tag, left, stride, gap, pitch, total, spacer: Math.min(total, TALLEST), height };
}

/**
 * The size at a place of the slider: each step enlarges by the same factor, from the smallest to the stage's width.
 * @param {number} fraction   0 to 1
 * @param {number} width      of the stage
 */
export function sizeAt(fraction, width) {
  const widest = Math.max(SMALLEST, width);
  return Math.round(SMALLEST * (widest / SMALLEST) ** Math.max(0, Math.min(fraction, 1)));
}

/**
 * Where the slider stands for a size.
 * @param {number} size
 * @param {number} width
 */
export function fractionOf(size, width) {
  if (width <= SMALLEST) return 1;
  return Math.log(clampedSize(size, width) / SMALLEST) / Math.log(Math.floor(width) / SMALLEST);
}

/**
 * The next size that looks different.
 * @param {number} size
 * @param {number} width
 * @param {number} by   steps of the slider; above 0 for larger
 */
export function zoomed(size, width, by) {
  const from = clampedSize(size, width);
  const columns = columnsFor(from, width);
  let fraction = fractionOf(from, width);
  let next = from;
  do {
    fraction += by * STEP;
    next = clampedSize(sizeAt(fraction, width), width);
  } while (fraction > 0 && fraction < 1 && columns > 1 && columnsFor(next, width) === columns);
  return next;
}

/**
 * How far into all rows the upper edge is, given the scroll position.
 * @param {Geometry} g
 * @param {number} scrollTop
 */
export function offsetAt(g, scrollTop) {
  if (g.spacer === g.total || g.spacer <= g.height) return scrollTop;
  return (scrollTop / (g.spacer - g.height)) * (g.total - g.height);
}

/**
 * The scroll position that brings `offset` to the upper edge.
 * @param {Geometry} g
 * @param {number} offset
 */
export function scrollFor(g, offset) {
  const most = Math.max(0, g.total - g.height);
  const clamped = Math.max(0, Math.min(offset, most));
  if (g.spacer === g.total || most === 0) return clamped;
  return (clamped / most) * (g.spacer - g.height);
}

/**
 * The rows that are seen, with `margin` more on both sides.
 * @param {Geometry} g
 * @param {number} scrollTop
 * @param {number} margin
 * @returns {{ first: number, last: number }}   last is exclusive
 */
export function seenRows(g, scrollTop, margin) {
  const offset = offsetAt(g, scrollTop);
  const first = Math.max(0, Math.floor(offset / g.pitch) - margin);
  const last = Math.min(g.rows, Math.ceil((offset + g.height) / g.pitch) + margin);
  return { first, last: Math.max(first, last) };
}

/**
 * The scroll position with which the row of an image is fully seen, as little changed as possible.
 * @param {Geometry} g
 * @param {number} scrollTop
 * @param {number} index
 */
export function scrollToIndex(g, scrollTop, index) {
  const offset = offsetAt(g, scrollTop);
  const top = Math.floor(index / g.columns) * g.pitch;
  const bottom = top + g.picture + g.tag;
  if (top < offset) return scrollFor(g, top);
  if (bottom > offset + g.height) return scrollFor(g, Math.min(top, bottom - g.height));
  return scrollTop;
}

/**
 * The image nearest to a point.
 * @param {Geometry} g
 * @param {number} x   from the left edge
 * @param {number} y   into all rows
 * @returns {number} -1 when there is none
 */
export function nearestIndex(g, x, y) {
  if (!g.count) return -1;
  const column = Math.max(0, Math.min(Math.floor((x - g.left) / g.stride), g.columns - 1));
  const row = Math.max(0, Math.min(Math.floor(y / g.pitch), g.rows - 1));
  return Math.min(row * g.columns + column, g.count - 1);
}

/**
 * The images whose tiles a rectangle touches, whether they are drawn or not.
 * @param {Geometry} g
 * @param {Rectangle} rectangle   left and right from the left edge, top and bottom into all rows
 */
export function indexesIn(g, { left, top, right, bottom }) {
  const firstColumn = Math.max(0, Math.floor((left - g.left - g.tile) / g.stride) + 1);
  const lastColumn = Math.min(g.columns - 1, Math.ceil((right - g.left) / g.stride) - 1);
  const firstRow = Math.max(0, Math.floor((top - (g.pitch - g.gap)) / g.pitch) + 1);
  const lastRow = Math.min(g.rows - 1, Math.ceil(bottom / g.pitch) - 1);
  const across = Math.max(0, lastColumn - firstColumn + 1);
  const indexes = new Uint32Array(across * Math.max(0, lastRow - firstRow + 1));
  let found = 0;
  for (let row = firstRow; row <= lastRow; row++) {
    for (let column = firstColumn; column <= lastColumn; column++) {
      const index = row * g.columns + column;
      if (index < g.count) indexes[found++] = index;
    }
  }
  return indexes.subarray(0, found);
}

/**
 * Where a key moves the focus.
 * @param {Geometry} g
 * @param {number} focus
 * @param {string} move   left, right, up, down, home, end, pageUp or pageDown
 */
export function movedIndex(g, focus, move) {
  const page = Math.max(1, Math.floor(g.height / g.pitch)) * g.columns;
  const last = g.count - 1;
  const inLastRow = Math.floor(focus / g.columns) === g.rows - 1;
  /** @type {Record<string, number>} */
  const targets = {
    left: focus - 1,
    right: focus + 1,
    up: focus < g.columns ? focus : focus - g.columns,
    down: inLastRow ? focus : focus + g.columns,
    home: 0,
    end: last,
    pageUp: focus - page,
    pageDown: focus + page,
  };
  return Math.max(0, Math.min(targets[move], last));
}
