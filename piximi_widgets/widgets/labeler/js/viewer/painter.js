// Coloured tiles on a canvas; rows of a tile are coloured when they are seen, and anew when pixels or display have changed.
import { blend } from "./blend.js";
import { fitted, seenRegion, toCanvas } from "./geometry.js";

/** @typedef {import("./pixels.js").Piece} Piece */
/** @typedef {import("./tiles.js").Tile} Tile */
/** @typedef {import("./display.js").ChannelDisplay} ChannelDisplay */
/** @typedef {{ canvas: HTMLCanvasElement, stamp: string }} Painted */

/** Rows of a tile that are coloured together; those that are not seen cost nothing. */
const BAND = 256;
/** Pixels of coloured tiles that are kept beyond those that are seen. */
const SPARE = 8 * 1024 * 1024;

/**
 * The tiles of some pieces, coarse ones first, so that finer ones are painted over them.
 * @param {Piece[]} pieces
 * @returns {Piece[][]} the pieces of each tile
 */
export function byTile(pieces) {
  /** @type {Map<string, Piece[]>} */
  const tiles = new Map();
  for (const piece of pieces) tiles.set(piece.tile.key, [...(tiles.get(piece.tile.key) ?? []), piece]);
  return [...tiles.values()].sort((a, b) => b[0].tile.step - a[0].tile.step);
}

/**
 * The tiles to paint, in this order: of the step that fits all that is here, beneath it what fills the gaps.
 * @param {Piece[]} pieces     of the visible channels
 * @param {Tile[]} wanted      the tiles of the step that fits
 * @param {number} channels    how many are visible
 */
export function toPaint(pieces, wanted, channels) {
  const tiles = byTile(pieces);
  const exact = new Set(wanted.map((tile) => tile.key));
  const fitting = tiles.filter((each) => exact.has(each[0].tile.key));
  if (fitting.length === exact.size && fitting.every((each) => each.length === channels)) return fitting;
  // A tile that lacks a channel that has just been switched on is still the best there is.
  return [...tiles.filter((each) => !exact.has(each[0].tile.key)), ...fitting];
}

export class Painter {
  constructor() {
    /** @type {Map<string, Painted>} */
    this.painted = new Map();
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ view: import("./geometry.js").View, size: import("./geometry.js").Size, tiles: Piece[][], channels: ChannelDisplay[], thumbnail: HTMLImageElement | null }} scene
   */
  draw(canvas, { view, size, tiles, channels, thumbnail }) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    /** @param {CanvasImageSource} source @param {number} left @param {number} top @param {number} width @param {number} height */
    const put = (source, left, top, width, height) => {
      const from = toCanvas(view, canvas, { x: left, y: top });
      const to = toCanvas(view, canvas, { x: left + width, y: top + height });
      // Whole pixels, so that neighbouring tiles show no seam.
      const [x, y] = [Math.round(from.x), Math.round(from.y)];
      context.drawImage(source, x, y, Math.round(to.x) - x, Math.round(to.y) - y);
    };
    if (thumbnail && !tiles.length) {
      context.imageSmoothingEnabled = true;
      put(thumbnail, 0, 0, size.width, size.height);
    }
    const used = new Set();
    const seen = seenRegion(view, size, canvas);
    for (const pieces of tiles) {
      const { tile, image, plane, height } = pieces[0];
      // Above one to one a pixel is a square; what is smaller, or only stands in, is smooth.
      context.imageSmoothingEnabled = tile.step > 1 || view.scale < 1;
      const first = Math.floor(Math.max(0, seen.top - tile.top) / tile.step / BAND) * BAND;
      for (let row = first; row < height && tile.top + row * tile.step < seen.top + seen.height; row += BAND) {
        const key = `${image}/${plane}/${tile.key}/${row}`;
        used.add(key);
        const rows = Math.min(BAND, height - row);
        const top = tile.top + row * tile.step;
        put(this.colored(key, pieces, row, rows, channels), tile.left, top, tile.width, Math.min(rows * tile.step, tile.top + tile.height - top));
      }
    }
    this.drop(used);
  }

  /**
   * A thumbnail in the middle, while nothing is known of the image.
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLImageElement | null} thumbnail
   */
  placeholder(canvas, thumbnail) {
    const size = thumbnail ? { width: thumbnail.naturalWidth, height: thumbnail.naturalHeight } : { width: 1, height: 1 };
    this.draw(canvas, { view: fitted(size, canvas), size, tiles: [], channels: [], thumbnail });
  }

  /**
   * The colours of some rows of a tile.
   * @param {string} key
   * @param {Piece[]} pieces
   * @param {number} row
   * @param {number} rows
   * @param {ChannelDisplay[]} channels
   */
  colored(key, pieces, row, rows, channels) {
    const { width } = pieces[0];
    const ordered = [...pieces].sort((a, b) => a.channel - b.channel);
    const layers = ordered.map(({ data, channel }) => ({ ...channels[channel], data: data.subarray(row * width, (row + rows) * width) }));
    const stamp = ordered.map(({ channel }, at) => [channel, layers[at].color, layers[at].window, layers[at].gamma].join(" ")).join("/");
    let painted = this.painted.get(key);
    if (painted?.stamp === stamp) return painted.canvas;
    if (!painted) {
      const canvas = document.createElement("canvas");
      canvas.width = width;
      canvas.height = rows;
      painted = { canvas, stamp };
      this.painted.set(key, painted);
    }
    painted.stamp = stamp;
    const image = new ImageData(width, rows);
    blend(layers, new Uint32Array(image.data.buffer));
    /** @type {CanvasRenderingContext2D} */ (painted.canvas.getContext("2d")).putImageData(image, 0, 0);
    return painted.canvas;
  }

  /** @param {Set<string>} used */
  drop(used) {
    let spare = 0;
    for (const [key, { canvas }] of [...this.painted].reverse()) {
      if (used.has(key)) continue;
      spare += canvas.width * canvas.height;
      if (spare > SPARE) this.painted.delete(key);
    }
  }

  close() {
    this.painted.clear();
  }
}
