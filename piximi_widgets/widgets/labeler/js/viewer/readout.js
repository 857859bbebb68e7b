// What lies under the pointer: where it is, and the measured values there.
import { h } from "../controls/dom.js";
import { valuesFrom } from "./pixels.js";
import { planeText } from "./planes.js";
import { digits, lengthText } from "./scalebar.js";

/** @typedef {import("./pixels.js").Piece} Piece */
/** @typedef {import("./pixels.js").Plane} Plane */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./details.js").Details} Details */

/** Milliseconds of a resting pointer until its exact value is asked for. */
const REST = 120;

/**
 * The value of a pixel in what is here of its channel, from the finest piece.
 * @param {Piece[]} pieces
 * @param {Point} pixel
 * @returns {{ value: number, exact: boolean } | null}
 */
export function valueAt(pieces, { x, y }) {
  let best = /** @type {Piece | null} */ (null);
  for (const piece of pieces) {
    const { top, left, height, width, step } = piece.tile;
    const inside = y >= top && x >= left && y < top + height && x < left + width;
    if (inside && (!best || step < best.tile.step)) best = piece;
  }
  if (!best) return null;
  const { tile, width, height, data } = best;
  const row = Math.min(Math.floor((y - tile.top) / tile.step), height - 1);
  const column = Math.min(Math.floor((x - tile.left) / tile.step), width - 1);
  return { value: data[row * width + column], exact: tile.step === 1 };
}

/**
 * @param {Point} pixel
 * @param {import("./scalebar.js").PixelSize | null} size
 */
export function placeText({ x, y }, size) {
  const where = `Row ${y}, column ${x}`;
  return size?.[1] && size[2] ? `${where} (${lengthText(y * size[1])}, ${lengthText(x * size[2])})` : where;
}

/** @param {Details} details @param {Plane} plane */
export function imageText({ width, height, dtype, planes, pixel_size: size }, plane) {
  const extent = size?.[1] && size[2] ? ` (${lengthText(width * size[2])} × ${lengthText(height * size[1])})` : "";
  return [`${width} × ${height}${extent}`, dtype, ...(planes > 1 ? [planeText(plane, planes)] : [])].join(" · ");
}

export class Readout {
  /** @param {{ ask: (content: any, signal: AbortSignal) => Promise<import("../types.js").Answer> }} wiring */
  constructor({ ask }) {
    this.ask = ask;
    this.element = h("div", { className: "pxw-readout" });
    /** @type {any} */
    this.timer = null;
    /** @type {AbortController | null} */
    this.question = null;
    /** The last exact answer, and what it is of. */
    this.exact = { key: "", values: /** @type {number[]} */ ([]) };
    this.key = "";
  }

  /**
   * @param {{ details: Details, plane: Plane, pixel: Point | null, channels: { name: string, color: string, number: number }[], pieces: Piece[] }} state
   */
  draw(state) {
    const { details, plane, pixel, channels, pieces } = state;
    const key = pixel ? [details.id, plane, pixel.x, pixel.y, ...channels.map(({ number }) => number)].join(" ") : "";
    if (key !== this.key) this.stop();
    this.key = key;
    if (!pixel) {
      this.element.replaceChildren(imageText(details, plane));
      return;
    }
    let rough = false;
    const values = channels.map(({ name, color, number }, at) => {
      const found = this.exact.key === key ? { value: this.exact.values[at], exact: true } : valueAt(pieces.filter((piece) => piece.channel === number), pixel);
      rough ||= !found?.exact;
      const text = found ? `${found.exact ? "" : "≈ "}${digits(found.value)}` : "…";
      return h("span", { className: "pxw-readout-value" }, h("span", { className: "pxw-swatch", style: { "--pxw-category": color } }), `${name} `, h("strong", {}, text));
    });
    const stack = details.planes > 1 ? h("span", {}, planeText(plane, details.planes)) : null;
    this.element.replaceChildren(h("span", {}, placeText(pixel, details.pixel_size)), ...values, ...(stack ? [stack] : []));
    if (rough && this.timer === null && !this.question) this.timer = setTimeout(() => this.measure(key, state), REST);
  }

  /**
   * Ask for the values of one pixel.
   * @param {string} key
   * @param {Parameters<Readout["draw"]>[0]} state
   */
  async measure(key, state) {
    const { details, plane, pixel, channels } = state;
    this.timer = null;
    const controller = (this.question = new AbortController());
    const region = [pixel?.y, pixel?.x, 1, 1];
    try {
      const { content, buffers } = await this.ask({ image: details.id, plane, channels: channels.map(({ number }) => number), region, step: 1 }, controller.signal);
      if (this.question !== controller) return;
      this.exact = { key, values: channels.map((_, at) => valuesFrom(content.dtype, buffers[at])[0]) };
      this.draw(state);
    } catch (error) {
      // The rounded value stays; why the image cannot be read is said in its place.
      console.debug("piximi: no exact value", error);
    }
  }

  clear() {
    this.stop();
    this.key = "";
    this.element.replaceChildren();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.question?.abort();
    this.question = null;
  }
}
