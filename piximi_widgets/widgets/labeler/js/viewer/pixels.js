// Measured values of images: asked for by what is seen, cancelled when no longer wanted, kept within a bound.
import { aligned } from "../kernel/bytes.js";
import { Cancelled } from "../kernel/channel.js";

/** @typedef {import("../types.js").Answer} Answer */
/** @typedef {import("./blend.js").Values} Values */
/** @typedef {import("./tiles.js").Tile} Tile */
/** @typedef {number | "max"} Plane */
/** @typedef {{ image: number, plane: Plane, tile: Tile, channels: number[], later?: boolean }} Wish   later: once nothing else is on its way */
/** @typedef {{ image: number, plane: Plane, tile: Tile, channel: number, data: Values, height: number, width: number }} Piece */

/** Bytes of pixels that the browser keeps. */
const BUDGET = 128 * 1024 * 1024;
/** Questions on their way at one time: few, so that what is wanted next does not stand behind what is not any more. */
const AT_ONCE = 3;

const TYPES = {
  uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
  uint32: Uint32Array, int32: Int32Array, float32: Float32Array, float64: Float64Array,
};

/**
 * @param {string} dtype
 * @param {DataView} buffer
 * @returns {Values}
 */
export function valuesFrom(dtype, buffer) {
  const Type = TYPES[/** @type {keyof typeof TYPES} */ (dtype)];
  if (!Type) throw new Error(`Pixels of the type ${dtype} cannot be shown.`);
  return new Type(aligned(buffer));
}

/**
 * @param {number} image
 * @param {Plane} plane
 * @param {Tile} tile
 * @param {number} channel
 */
const keyOf = (image, plane, tile, channel) => `${image}/${plane}/${tile.key}/${channel}`;

export class Pixels {
  /**
   * @param {{ ask: (content: any, signal: AbortSignal) => Promise<Answer>, changed: () => void, budget?: number }} wiring
   *   changed: some have arrived, or will never
   */
  constructor({ ask, changed, budget = BUDGET }) {
    this.ask = ask;
    this.changed = changed;
    this.budget = budget;
    this.bytes = 0;
    /** @type {Map<string, Piece>} What was wanted longest ago first. */
    this.pieces = new Map();
    /** @type {Map<number, string>} Why the pixels of an image cannot be had. */
    this.failures = new Map();
    /** @type {Map<AbortController, Set<string>>} */
    this.questions = new Map();
    /** @type {Wish[]} */
    this.wishes = [];
    /** @type {Set<string>} */
    this.wanted = new Set();
  }

  /**
   * Say what is wanted now, the most urgent first; everything else that was asked for is cancelled.
   * @param {Wish[]} wishes
   */
  want(wishes) {
    this.wishes = wishes;
    this.wanted = new Set();
    for (const { image, plane, tile, channels } of wishes) {
      for (const channel of channels) this.wanted.add(keyOf(image, plane, tile, channel));
    }
    for (const [controller, keys] of [...this.questions]) {
      if ([...keys].some((key) => this.wanted.has(key))) continue;
      this.questions.delete(controller);
      controller.abort();
    }
    for (const key of this.wanted) {
      const piece = this.pieces.get(key);
      if (!piece) continue;
      this.pieces.delete(key);
      this.pieces.set(key, piece);
    }
    this.askNext();
  }

  askNext() {
    for (const wish of this.wishes) {
      if (this.questions.size >= (wish.later ? 1 : AT_ONCE)) return;
      if (this.failures.has(wish.image)) continue;
      const keyed = (/** @type {number} */ channel) => keyOf(wish.image, wish.plane, wish.tile, channel);
      const asked = new Set([...this.questions.values()].flatMap((keys) => [...keys]));
      const channels = wish.channels.filter((channel) => !this.pieces.has(keyed(channel)) && !asked.has(keyed(channel)));
      if (channels.length) this.question({ ...wish, channels }, new Set(channels.map(keyed)));
    }
  }

  /**
   * @param {Wish} wish
   * @param {Set<string>} keys
   */
  async question({ image, plane, tile, channels }, keys) {
    const controller = new AbortController();
    this.questions.set(controller, keys);
    const region = [tile.top, tile.left, tile.height, tile.width];
    try {
      const { content, buffers } = await this.ask({ image, plane, channels, region, step: tile.step }, controller.signal);
      if (!this.questions.has(controller)) return;
      const [height, width] = content.shape;
      channels.forEach((channel, at) => this.put({ image, plane, tile, channel, height, width, data: valuesFrom(content.dtype, buffers[at]) }));
    } catch (error) {
      if (error instanceof Cancelled || !this.questions.has(controller)) return;
      this.failures.set(image, /** @type {Error} */ (error).message);
    } finally {
      this.questions.delete(controller);
    }
    this.askNext();
    this.changed();
  }

  /** @param {Piece} piece */
  put(piece) {
    this.pieces.set(keyOf(piece.image, piece.plane, piece.tile, piece.channel), piece);
    this.bytes += piece.data.byteLength;
    for (const [key, old] of this.pieces) {
      if (this.bytes <= this.budget) break;
      if (this.wanted.has(key)) continue;
      this.pieces.delete(key);
      this.bytes -= old.data.byteLength;
    }
  }

  /**
   * What is here of one plane of an image.
   * @param {number} image
   * @param {Plane} plane
   * @returns {Piece[]}
   */
  of(image, plane) {
    return [...this.pieces.values()].filter((piece) => piece.image === image && piece.plane === plane);
  }

  /**
   * @param {number} image
   * @param {Plane} plane
   * @param {Tile} tile
   * @param {number} channel
   */
  get(image, plane, tile, channel) {
    return this.pieces.get(keyOf(image, plane, tile, channel));
  }

  /** Forget what is known of an image, so that it is asked for again. @param {number} image */
  forget(image) {
    this.failures.delete(image);
    for (const [key, piece] of this.pieces) {
      if (piece.image !== image) continue;
      this.pieces.delete(key);
      this.bytes -= piece.data.byteLength;
    }
  }

  /** End all questions, and forget all pixels. */
  clear() {
    const open = [...this.questions.keys()];
    this.questions.clear();
    this.wishes = [];
    for (const controller of open) controller.abort();
    this.pieces.clear();
    this.failures.clear();
    this.bytes = 0;
  }
}
