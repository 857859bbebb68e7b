// Thumbnails: asked for by what is seen, cancelled when scrolled past, kept within a bound.

/** Characters of pictures that the browser keeps. */
const BUDGET = 96 * 1024 * 1024;
const CHUNK = 96;
const PATIENCE = 6000;
const SIZES = [96, 192, 384, 768, 1024];

/**
 * The side in pixels to ask for; few sizes, so that zooming finds most pictures in the cache.
 * @param {number} tile
 * @param {number} ratio   device pixels to one of the page
 */
export function sizeFor(tile, ratio) {
  return SIZES.find((size) => size * 1.15 >= tile * ratio) ?? SIZES[SIZES.length - 1];
}

/**
 * For data addresses: an object URL of each picture would cost two milliseconds and several messages between the browser's processes.
 * @param {DataView} view
 */
function base64(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** @typedef {{ url: string, bytes: number, size: number }} Picture */

/**
 * @typedef {object} Wiring
 * @property {(ids: number[], size: number) => string} ask   returns the question's id
 * @property {(question: string) => void} cancel
 * @property {(ids: number[]) => void} arrived
 * @property {number} [budget]
 * @property {number} [patience]
 */

export class Thumbnails {
  /** @param {Wiring} wiring */
  constructor(wiring) {
    this.wiring = wiring;
    this.budget = wiring.budget ?? BUDGET;
    this.bytes = 0;
    /** @type {Map<number, Picture>} The least recently seen first. */
    this.cache = new Map();
    /** @type {Map<number, string>} Why a picture cannot be shown. */
    this.failures = new Map();
    /** @type {Map<string, { ids: Set<number>, size: number, timer: any }>} */
    this.questions = new Map();
    /** @type {{ ids: number[], size: number }} */
    this.wanted = { ids: [], size: 0 };
    this.renewed = false;
  }

  /**
   * The best picture of an image that is here, whatever its size.
   * @param {number} id
   */
  get(id) {
    const picture = this.cache.get(id);
    if (picture) {
      this.cache.delete(id);
      this.cache.set(id, picture);
    }
    return picture;
  }

  /**
   * Say what is seen now; everything else that was asked for is cancelled.
   * @param {number[]} ids   in the order in which they are wanted
   * @param {number} size
   */
  want(ids, size) {
    this.wanted = { ids, size };
    const seen = new Set(ids);
    const asked = new Set();
    for (const [question, entry] of this.questions) {
      let useful = 0;
      for (const id of entry.ids) if (seen.has(id)) useful++;
      if (useful === 0 || entry.size < size) {
        this.forget(question);
        this.wiring.cancel(question);
      } else {
        for (const id of entry.ids) asked.add(id);
      }
    }
    const missing = ids.filter(
      (id) => !asked.has(id) && !this.failures.has(id) && (this.cache.get(id)?.size ?? 0) < size,
    );
    for (let at = 0; at < missing.length; at += CHUNK) {
      const chunk = missing.slice(at, at + CHUNK);
      const question = this.wiring.ask(chunk, size);
      const entry = { ids: new Set(chunk), size, timer: 0 };
      this.questions.set(question, entry);
      this.wait(question, entry);
    }
  }

  /**
   * Give a question time; where nothing comes the answer was lost, and what is still seen is asked for again.
   * @param {string} question
   * @param {{ timer: any }} entry
   */
  wait(question, entry) {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => {
      this.forget(question);
      this.wiring.cancel(question);
      this.want(this.wanted.ids, this.wanted.size);
    }, this.wiring.patience ?? PATIENCE);
  }

  /** Ask for all pictures anew; the old ones are shown until the new ones are here. */
  renew() {
    for (const question of [...this.questions.keys()]) {
      this.forget(question);
      this.wiring.cancel(question);
    }
    this.renewed = true;
    this.failures.clear();
    for (const picture of this.cache.values()) picture.size = 0;
    this.want(this.wanted.ids, this.wanted.size);
  }

  /**
   * @param {{ id: string, ids: number[], size: number, failures?: Record<string, string> }} content
   * @param {DataView[]} buffers   one PNG for each of `ids`
   */
  receive(content, buffers) {
    // What was asked before pictures changed shows them as they were.
    const entry = this.questions.get(content.id);
    if (this.renewed && !entry) return;
    // A kernel that draws smaller pictures than were asked for has none better: it is not asked again.
    const size = Math.max(content.size, entry?.size ?? 0);
    content.ids.forEach((id, at) => this.put(id, size, buffers[at]));
    const failed = Object.entries(content.failures ?? {});
    for (const [id, reason] of failed) this.failures.set(Number(id), reason);
    const all = [...content.ids, ...failed.map(([id]) => Number(id))];
    if (entry) {
      for (const id of all) entry.ids.delete(id);
      if (!entry.ids.size) this.forget(content.id);
      else this.wait(content.id, entry);
    }
    this.wiring.arrived(all);
  }

  /**
   * @param {number} id
   * @param {number} size
   * @param {DataView} png
   */
  put(id, size, png) {
    const former = this.cache.get(id);
    if (former && former.size >= size) return;
    if (former) this.drop(id, former);
    const url = `data:image/png;base64,${base64(png)}`;
    this.cache.set(id, { url, bytes: url.length, size });
    this.bytes += url.length;
    const seen = new Set(this.wanted.ids);
    for (const [old, picture] of this.cache) {
      if (this.bytes <= this.budget) break;
      if (!seen.has(old)) this.drop(old, picture);
    }
  }

  /**
   * @param {number} id
   * @param {Picture} picture
   */
  drop(id, picture) {
    this.cache.delete(id);
    this.bytes -= picture.bytes;
  }

  /** @param {string} question */
  forget(question) {
    clearTimeout(this.questions.get(question)?.timer);
    this.questions.delete(question);
  }

  close() {
    for (const question of [...this.questions.keys()]) this.forget(question);
    for (const [id, picture] of [...this.cache]) this.drop(id, picture);
  }
}
