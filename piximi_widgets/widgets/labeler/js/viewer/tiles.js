// Which pieces of an image to ask for: whole where that is little, else square tiles at the step that fits the canvas.
import { clampView, fitted, seenRegion } from "./geometry.js";

/** @typedef {import("./geometry.js").Size} Size */
/** @typedef {import("./geometry.js").Region} Region */
/** @typedef {Region & { step: number, key: string }} Tile   key: its place among the tiles of one image and plane */

/** Values along a side of a question for a whole image, and of one for a tile. */
export const LARGEST_SIDE = 2048;
export const TILE_SIDE = 1024;
/** Bytes of the answer to a question for a whole image; the kernel sends no more than twice as many. */
const LARGEST_ANSWER = 32 * 1024 * 1024;

/** Bytes of pixels that one view may need, well below what the browser keeps. */
const VIEW_BYTES = 48 * 1024 * 1024;

/**
 * The step whose values are about as dense as the pixels of the canvas; a power of two.
 * @param {number} scale    pixels of the canvas for one of the image
 * @param {Size} canvas
 * @param {number} bytes    for one pixel of the image, all visible channels together
 */
export function stepFor(scale, canvas, bytes) {
  let step = 2 ** Math.max(0, Math.round(Math.log2(1 / scale)));
  while ((canvas.width * canvas.height * bytes) / (scale * step) ** 2 > VIEW_BYTES) step *= 2;
  return step;
}

/**
 * The tiles of a step that a region touches, those nearest to its middle first.
 * @param {Size} image
 * @param {number} step
 * @param {Region} region
 * @param {number} bytes    for one pixel of the image, all visible channels together
 * @returns {Tile[]}
 */
export function tilesOf(image, step, region, bytes) {
  const [rows, columns] = [Math.ceil(image.height / step), Math.ceil(image.width / step)];
  if (Math.max(rows, columns) <= LARGEST_SIDE && rows * columns * bytes <= LARGEST_ANSWER) {
    return [tile(0, 0, image.height, image.width, step)];
  }
  const side = TILE_SIDE * step;
  const tiles = [];
  for (let top = Math.floor(region.top / side) * side; top < region.top + region.height; top += side) {
    for (let left = Math.floor(region.left / side) * side; left < region.left + region.width; left += side) {
      tiles.push(tile(top, left, Math.min(side, image.height - top), Math.min(side, image.width - left), step));
    }
  }
  const [x, y] = [region.left + region.width / 2, region.top + region.height / 2];
  const distance = (/** @type {Tile} */ t) => Math.hypot(t.left + t.width / 2 - x, t.top + t.height / 2 - y);
  return tiles.sort((a, b) => distance(a) - distance(b));
}

/**
 * @param {number} top
 * @param {number} left
 * @param {number} height
 * @param {number} width
 * @param {number} step
 * @returns {Tile}
 */
function tile(top, left, height, width, step) {
  return { top, left, height, width, step, key: [step, top, left, height, width].join(":") };
}

/**
 * The tiles of what is seen.
 * @param {Size} image
 * @param {import("./geometry.js").View} view
 * @param {Size} canvas
 * @param {number} bytes
 */
export function tilesOfView(image, view, canvas, bytes) {
  return tilesOf(image, stepFor(view.scale, canvas, bytes), seenRegion(view, image, canvas), bytes);
}

/**
 * The tiles of the whole image, when all of it is seen.
 * @param {Size} image
 * @param {Size} canvas
 * @param {number} bytes
 */
export function tilesOfAll(image, canvas, bytes) {
  return tilesOfView(image, clampView(fitted(image, canvas), image, canvas), canvas, bytes);
}

/** The bytes of a value of a type. @param {string} dtype */
export function bytesOf(dtype) {
  return Number(/\d+$/.exec(dtype)?.[0] ?? 64) / 8;
}

/** Whether a type holds whole numbers. @param {string} dtype */
export function isWhole(dtype) {
  return /^u?int/.test(dtype);
}
