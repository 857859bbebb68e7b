// Questions to the kernel and their answers, over a connection that may lose, double and delay messages.
//
// A question is {id, kind, …} with buffers; an answer repeats the id, or is {id, error}. The kernel's messages reach every
// page that shows the model, so an id starts with the client that asked. Each question may be asked twice without harm.

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Answer} Answer */

/**
 * @typedef {object} AskOptions
 * @property {AbortSignal} [signal]   tells the kernel that nobody waits for the answer any more; the promise is refused
 * @property {(done: number, total: number) => void} [progress]   of a question whose answer takes long
 */

/**
 * @typedef {object} Entry
 * @property {(answer: Answer) => void} answer
 * @property {(error: Error) => void} refuse
 * @property {(done: number, total: number) => void} progress
 * @property {any} timer
 */

/** Milliseconds until a question is asked again. */
const PATIENCE = [1500, 3000, 6000, 10000];

/** A name that no other page has; `randomUUID` exists only in secure contexts, and a Jupyter server may not be one. */
export function newClient() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What the kernel says against a question. */
export class Refusal extends Error {}

/** The asker has lost interest. */
export class Cancelled extends Error {}

export class Channel {
  /**
   * @param {Model} model
   * @param {string} client
   * @param {{ patience?: number[], received?: (content: any, buffers: DataView[]) => void, quiet?: (silent: boolean) => void }} [options]
   */
  constructor(model, client, options = {}) {
    this.model = model;
    this.client = client;
    this.patience = options.patience ?? PATIENCE;
    this.received = options.received ?? (() => {});
    this.quiet = options.quiet ?? (() => {});
    this.asked = 0;
    /** @type {Map<string, Entry>} */
    this.open = new Map();
    /** Questions that nobody waits for any more, and whose answer may still come. @type {Set<string>} */
    this.cancelled = new Set();
    this.listener = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => this.hear(content, buffers ?? []);
    model.on("msg:custom", this.listener);
  }

  /**
   * Ask until there is an answer.
   * @param {string} kind
   * @param {Record<string, any>} [content]
   * @param {ArrayBuffer[]} [buffers]
   * @param {AskOptions} [options]
   * @returns {Promise<Answer>}
   */
  ask(kind, content = {}, buffers = [], { signal, progress } = {}) {
    const id = this.nextId();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new Cancelled("Cancelled."));
      let attempt = 0;
      const wait = () => {
        clearTimeout(entry.timer);
        entry.timer = setTimeout(send, this.patience[Math.min(attempt, this.patience.length - 1)]);
      };
      const send = () => {
        if (attempt > 1) this.quiet(true);
        this.post({ ...content, id, kind }, buffers);
        wait();
        attempt++;
      };
      /** @type {Entry} */
      const entry = {
        answer: resolve,
        refuse: reject,
        progress: (done, total) => {
          // The kernel is at it: asking again would only disturb it.
          attempt = 0;
          wait();
          progress?.(done, total);
        },
        timer: 0,
      };
      this.open.set(id, entry);
      signal?.addEventListener("abort", () => this.cancel(id), { once: true });
      send();
    });
  }

  /** @param {string} id */
  cancel(id) {
    const entry = this.open.get(id);
    if (!entry) return;
    this.open.delete(id);
    this.cancelled.add(id);
    clearTimeout(entry.timer);
    this.post({ kind: "cancel", id });
    entry.refuse(new Cancelled("Cancelled."));
  }

  nextId() {
    return `${this.client}:${++this.asked}`;
  }

  /**
   * Say something that is answered only when it is refused.
   * @param {string} kind
   * @param {Record<string, any>} [content]
   * @param {ArrayBuffer[]} [buffers]
   */
  tell(kind, content = {}, buffers = []) {
    this.post({ ...content, id: this.nextId(), kind, client: this.client }, buffers);
  }

  /**
   * Send a message as it is.
   * @param {any} content
   * @param {ArrayBuffer[]} [buffers]
   */
  post(content, buffers = []) {
    try {
      this.model.send(content, undefined, buffers);
    } catch (error) {
      // A connection that is just being made anew; whatever matters is sent again.
      console.debug("piximi: a message could not be sent", error);
    }
  }

  /**
   * @param {any} content
   * @param {DataView[]} buffers
   */
  hear(content, buffers) {
    this.quiet(false);
    if (content?.kind === "progress") {
      this.open.get(content.question)?.progress(content.done, content.total);
      return;
    }
    const entry = this.open.get(content?.id);
    if (!entry) {
      if (!this.cancelled.delete(content?.id)) this.received(content, buffers);
      return;
    }
    this.open.delete(content.id);
    clearTimeout(entry.timer);
    if (content.error !== undefined) entry.refuse(new Refusal(content.error));
    else entry.answer({ content, buffers });
  }

  close() {
    this.model.off("msg:custom", this.listener);
    for (const entry of this.open.values()) clearTimeout(entry.timer);
    this.open.clear();
  }
}
