// What the kernel says about single images: their size and type, and the windows with which the grid draws them.
import { Cancelled } from "../kernel/channel.js";

/** @typedef {import("../types.js").Answer} Answer */
/** @typedef {import("./blend.js").Window} Window */

/**
 * @typedef {object} Details
 * @property {number} id
 * @property {string} name
 * @property {number} height
 * @property {number} width
 * @property {number} channels
 * @property {number} planes
 * @property {string} dtype
 * @property {import("./scalebar.js").PixelSize | null} pixel_size
 * @property {Window[]} windows
 * @property {number | "max" | "middle"} plane   that the grid shows
 */

const MOST = 200;

export class DetailsOfImages {
  /**
   * @param {{ ask: (image: number, signal: AbortSignal) => Promise<Answer>, changed: (details: Details, former: Details | undefined) => void, failed: (image: number) => void }} wiring
   */
  constructor({ ask, changed, failed }) {
    this.ask = ask;
    this.changed = changed;
    this.failed = failed;
    /** @type {Map<number, Details>} */
    this.known = new Map();
    /** @type {Set<number>} Those that are shown until newer ones arrive. */
    this.outdated = new Set();
    /** @type {Map<number, string>} */
    this.failures = new Map();
    /** @type {Map<number, AbortController>} */
    this.questions = new Map();
  }

  /** @param {number} image */
  get(image) {
    return this.known.get(image);
  }

  /** Say of which images they are wanted; what else was asked is cancelled. @param {number[]} images */
  want(images) {
    for (const [image, controller] of [...this.questions]) {
      if (images.includes(image)) continue;
      this.questions.delete(image);
      controller.abort();
    }
    for (const image of images) {
      const here = this.known.has(image) && !this.outdated.has(image);
      if (!here && !this.questions.has(image) && !this.failures.has(image)) this.question(image);
    }
  }

  /** @param {number} image */
  async question(image) {
    const controller = new AbortController();
    this.questions.set(image, controller);
    const current = () => this.questions.get(image) === controller;
    try {
      const { content } = await this.ask(image, controller.signal);
      if (!current()) return;
      this.questions.delete(image);
      const former = this.known.get(image);
      this.outdated.delete(image);
      this.known.delete(image);
      this.known.set(image, content.image);
      if (this.known.size > MOST) this.known.delete(/** @type {number} */ (this.known.keys().next().value));
      this.changed(content.image, former);
    } catch (error) {
      if (error instanceof Cancelled || !current()) return;
      this.questions.delete(image);
      this.failures.set(image, /** @type {Error} */ (error).message);
      this.failed(image);
    }
  }

  /** The display has changed, and with it windows: all are asked for again when they are wanted. */
  renew() {
    this.close();
    this.failures.clear();
    for (const image of this.known.keys()) this.outdated.add(image);
  }

  /** @param {number} image */
  forget(image) {
    this.failures.delete(image);
    this.outdated.add(image);
  }

  close() {
    const open = [...this.questions.values()];
    this.questions.clear();
    for (const controller of open) controller.abort();
  }
}
