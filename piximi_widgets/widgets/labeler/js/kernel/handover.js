// A view whose kernel was restarted keeps its edits, but nobody to send them to. Views of one browser that show the same
// project therefore tell each other who has a kernel: who has none leaves its edits to who has one.

/**
 * @typedef {object} Wiring
 * @property {string} project
 * @property {() => boolean} healthy    this view's kernel answers
 * @property {() => boolean} stranded   edits wait, and nobody answers
 * @property {() => Promise<void>} leave   let go of the edits; they stay in the browser's storage
 * @property {() => void} collect       look for edits that somebody has left
 */

export class Handover {
  /** @param {Wiring} wiring */
  constructor(wiring) {
    this.wiring = wiring;
    /** @type {BroadcastChannel | null} */
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("piximi-widgets");
    if (this.channel) this.channel.onmessage = (event) => this.hear(event.data);
  }

  /** @param {"ready" | "stranded" | "left"} kind */
  say(kind) {
    this.channel?.postMessage({ kind, project: this.wiring.project });
  }

  /** @param {{ kind: string, project: string }} message */
  async hear({ kind, project }) {
    if (project !== this.wiring.project) return;
    if (kind === "stranded" && this.wiring.healthy()) this.say("ready");
    if (kind === "ready" && this.wiring.stranded()) {
      await this.wiring.leave();
      this.say("left");
    }
    if (kind === "left" && this.wiring.healthy()) this.wiring.collect();
  }

  close() {
    this.channel?.close();
  }
}
