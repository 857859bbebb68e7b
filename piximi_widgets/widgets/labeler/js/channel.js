// Questions to the kernel and their answers, over a connection that may lose, double and delay messages.
//
// A question is {id, kind, …} with buffers; an answer repeats the id, or is {id, error}. The kernel's messages reach every
// page that shows the model, so an id starts with the client that asked. Each question may be asked twice without harm.

/** @typedef {import("./types.js").Model} Model */
/** @typedef {import("./types.js").Answer} Answer */

/** Milliseconds until a question is asked again. */
const PATIENCE = [1500, 3000, 6000, 10000];

/** A name that no other page has; `randomUUID` exists only in secure contexts, and a Jupyter server may not be one. */
export function newClient() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Refusal extends Error {}

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
    /** @type {Map<string, { answer: (answer: Answer) => void, refuse: (error: Error) => void, timer: any }>} */
    this.open = new Map();
    this.listener = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => this.hear(content, buffers ?? []);
    model.on("msg:custom", this.listener);
  }

  /**
   * Ask until there is an answer.
   * @param {string} kind
   * @param {Record<string, any>} [content]
   * @param {ArrayBuffer[]} [buffers]
   * @returns {Promise<Answer>}
   */
  ask(kind, content = {}, buffers = []) {
    const id = this.nextId();
    return new Promise((resolve, reject) => {
      let attempt = 0;
      const send = () => {
        if (attempt > 1) this.quiet(true);
        this.post({ ...content, id, kind }, buffers);
        entry.timer = setTimeout(send, this.patience[Math.min(attempt++, this.patience.length - 1)]);
      };
      const entry = { answer: resolve, refuse: reject, timer: /** @type {any} */ (0) };
      this.open.set(id, entry);
      send();
    });
  }

  nextId() {
    return `${this.client}:${++this.asked}`;
  }

  /**
   * Say something that needs no answer.
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
    const entry = this.open.get(content?.id);
    if (!entry) {
      this.received(content, buffers);
      return;
    }
    this.open.delete(content.id);
    clearTimeout(entry.timer);
    this.quiet(false);
    if (content.error !== undefined) entry.refuse(new Refusal(content.error));
    else entry.answer({ content, buffers });
  }

  close() {
    this.model.off("msg:custom", this.listener);
    for (const entry of this.open.values()) clearTimeout(entry.timer);
    this.open.clear();
  }
}
