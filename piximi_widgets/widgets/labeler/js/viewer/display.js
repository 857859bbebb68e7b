// How the project's images are shown: what the kernel said, and over it what a person is just changing.
import { widened } from "./blend.js";

/** @typedef {import("../types.js").Answer} Answer */
/** @typedef {import("./blend.js").Window} Window */
/** @typedef {import("./details.js").Details} Details */
/** @typedef {{ name: string, color: string, visible: boolean, window: Window, automatic: boolean, gamma: number }} ChannelDisplay */
/** @typedef {{ channels: ChannelDisplay[], contrast: "project" | "image", plane: number | "max" | "middle", read_only: boolean }} Display */
/** @typedef {{ color?: string, visible?: boolean, gamma?: number, window?: Window | "auto" }} ChannelChange */

const RED = "#ff0000";
const WHITE = "#ffffff";

export class SharedDisplay {
  /**
   * @param {{ ask: (kind: string, content: any) => Promise<Answer>, changed: () => void, refused: (sentence: string) => void, kept: () => void }} wiring
   *   kept: a change stays in this page, because the project can only be read
   */
  constructor({ ask, changed, refused, kept }) {
    this.ask = ask;
    this.changed = changed;
    this.refused = refused;
    this.kept = kept;
    /** @type {Display | null} */
    this.shared = null;
    /** @type {Map<number, ChannelChange>} By channel what is being changed, or waits for its answer. */
    this.drafts = new Map();
    this.asked = 0;
    this.answered = 0;
    this.closed = false;
  }

  get readOnly() {
    return this.shared?.read_only ?? true;
  }

  /** Ask the kernel anew. */
  async load() {
    await this.exchange("display", {});
  }

  /**
   * The channels of an image as they are to be drawn now.
   * @param {Details} details
   * @returns {ChannelDisplay[]}
   */
  channelsOf(details) {
    const { shared } = this;
    return Array.from({ length: details.channels }, (_, at) => {
      const own = details.windows[at] ?? [0, 1];
      const known = shared?.channels[at] ?? { name: `channel ${at}`, color: WHITE, visible: at < 3, window: own, automatic: true, gamma: 1 };
      const { window: chosen, ...draft } = this.drafts.get(at) ?? {};
      const automatic = chosen === "auto" || (!chosen && known.automatic);
      // The only channel of an image is grey, unless its colour was chosen, also where the others have more channels.
      const lone = details.channels === 1 && (shared?.channels.length ?? 0) > 1 && known.color === RED;
      const window = widened(Array.isArray(chosen) ? chosen : known.automatic ? own : known.window);
      return { ...known, ...(lone ? { color: WHITE } : {}), ...draft, automatic, window };
    });
  }

  /**
   * Show a change in this page only, until it is committed.
   * @param {number} at
   * @param {ChannelChange} change
   */
  preview(at, change) {
    this.drafts.set(at, { ...this.drafts.get(at), ...change });
    this.changed();
  }

  /**
   * Make a change for all who look at the project.
   * @param {number} at
   * @param {ChannelChange} change
   */
  async commit(at, change) {
    if (this.readOnly) {
      if (change.window === "auto") this.withdraw(at, { window: this.drafts.get(at)?.window });
      else this.preview(at, change);
      this.kept();
      this.changed();
      return;
    }
    this.preview(at, change);
    await this.exchange("set_display", { channel: at, ...change });
    this.withdraw(at, change);
    this.changed();
  }

  /** Change what belongs to no channel. @param {{ plane?: number | "max", contrast?: string, reset?: true }} change */
  async set(change) {
    if (this.readOnly) {
      if (change.reset) this.drafts.clear();
      this.kept();
      this.changed();
      return;
    }
    if (change.reset) this.drafts.clear();
    await this.exchange("set_display", change);
    this.changed();
  }

  /**
   * Take a draft back, unless something newer has taken its place.
   * @param {number} at
   * @param {ChannelChange} change
   */
  withdraw(at, change) {
    const draft = /** @type {Record<string, any>} */ ({ ...this.drafts.get(at) });
    for (const [field, value] of Object.entries(change)) if (draft[field] === value) delete draft[field];
    if (Object.keys(draft).length) this.drafts.set(at, draft);
    else this.drafts.delete(at);
  }

  /**
   * @param {string} kind
   * @param {any} content
   */
  async exchange(kind, content) {
    const number = ++this.asked;
    try {
      const answer = await this.ask(kind, content);
      // An earlier question's answer may come after a later one's.
      if (this.closed || number < this.answered) return;
      this.answered = number;
      this.shared = answer.content.display;
      this.changed();
    } catch (error) {
      if (!this.closed) this.refused(/** @type {Error} */ (error).message);
    }
  }
}
