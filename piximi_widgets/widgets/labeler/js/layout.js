// Where tiles lie, as arithmetic: rows of equal height in a scroller that may hold more than a browser can lay out.

/** Firefox lays out no element higher than about 17.8 million pixels. */
export const TALLEST = 15_000_000;
export const GAP = 8;
export const SMALLEST = 32;
export const LARGEST = 256;

/**
 * @typedef {object} Geometry
 * @property {number} columns
 * @property {number} rows
 * @property {number} tile      the side of a picture
 * @property {number} tag       the height of the label under it
 * @property {number} pitch     from one row's top to the next
 * @property {number} total     the height of all rows
 * @property {number} spacer    the height of the scrolled element
 * @property {number} height    the height of what is seen of it
 */

/**
 * @param {{ width: number, height: number, size: number, count: number }} view   size: the smallest side of a picture
 * @returns {Geometry}
 */
export function geometry({ width, height, size, count }) {
  const gap = size < 64 ? GAP / 2 : GAP;
  const columns = Math.max(1, Math.floor((width + gap) / (size + gap)));
  const tile = Math.max(16, Math.min((width - gap * (columns - 1)) / columns, size * 1.6));
  const tag = size < 56 ? 12 : 20;
  const pitch = Math.round(tile) + tag + gap;
  const rows = Math.ceil(count / columns);
  const total = Math.max(0, rows * pitch - gap);
  return { columns, rows, tile, tag, pitch, total, spacer: Math.min(total, TALLEST), height };
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
  const row = Math.floor(index / g.columns);
  const offset = offsetAt(g, scrollTop);
  const top = row * g.pitch;
  const bottom = top + g.pitch;
  if (top < offset) return scrollFor(g, top);
  if (bottom > offset + g.height) return scrollFor(g, bottom - g.height);
  return scrollTop;
}
