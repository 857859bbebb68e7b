// What filters and orders need of the kernel: asked for when something needs it, and again when it has changed.
import { idsFrom } from "./bytes.js";
import { Cancelled } from "./channel.js";
import { LABEL_FIELDS, PREDICTION_FIELDS, fieldFrom } from "../state/fields.js";

/** @typedef {import("./channel.js").Channel} Channel */
/** @typedef {import("../state/store.js").Store} Store */
/** @typedef {import("../state/fields.js").FieldData} FieldData */

/** Milliseconds of quiet after a change until a query is asked anew: labels come in bursts. */
const QUIET = 400;
/** Milliseconds until a question is called long. */
const LONG = 700;

export class Asking {
  /**
   * @param {Channel} channel
   * @param {Store} store
   */
  constructor(channel, store) {
    this.channel = channel;
    this.store = store;
    /** @type {Map<string, Promise<FieldData>>} */
    this.asked = new Map();
    /** The revision that the answers show. */
    this.revision = -1;
    this.predictions = store.predictions;
    this.images = store.table;
    /** @type {any} */
    this.timer = null;
    this.closing = new AbortController();
    this.unsubscribe = store.subscribe((change) => {
      if (change === "filter") this.fill();
      else if (change === "data") this.notice();
    });
  }

  /**
   * A field, from the kernel where the page does not hold it itself.
   * @param {string} name
   * @returns {Promise<FieldData>}
   */
  field(name) {
    const held = this.store.fieldData(name);
    if (held) return Promise.resolve(held);
    let asked = this.asked.get(name);
    if (!asked) {
      asked = this.ask(name).finally(() => this.asked.delete(name));
      this.asked.set(name, asked);
    }
    return asked;
  }

  /** @param {string} name @returns {Promise<FieldData>} */
  async ask(name) {
    const { store } = this;
    const cancel = new AbortController();
    const long = setTimeout(() => tell(0, 0), LONG);
    /** @type {import("../state/store.js").Notice | null} */
    let shown = null;
    const tell = (/** @type {number} */ done, /** @type {number} */ total) => {
      const far = total ? `: ${done.toLocaleString("en")} of ${total.toLocaleString("en")} images` : "";
      // Somebody else's notice stays.
      if (store.notice && store.notice !== shown) return;
      shown = { tone: "info", text: `Reading ${name}${far} …`, actions: [{ label: "Cancel", run: () => cancel.abort() }] };
      store.notice = shown;
      store.emit("notice");
    };
    const stop = () => cancel.abort();
    this.closing.signal.addEventListener("abort", stop);
    try {
      const { content, buffers } = await this.channel.ask("field", { name }, [], { signal: cancel.signal, progress: tell });
      const field = fieldFrom(content, buffers, store.table);
      store.setField(field);
      return field;
    } finally {
      clearTimeout(long);
      this.closing.signal.removeEventListener("abort", stop);
      if (shown && store.notice === shown) store.setNotice(null);
    }
  }

  /** @param {string} query */
  async query(query) {
    const { content, buffers } = await this.channel.ask("query", { query }, [], { signal: this.closing.signal });
    if (content.query === query || content.query === undefined) this.store.setQuery(query, idsFrom(buffers[0]));
  }

  /** Ask for what filter and order need and is not here yet. */
  fill() {
    const { fields, queries } = this.store.needed;
    for (const name of fields) this.store.fetched.has(name) || this.field(name).catch((error) => this.failed(name, error));
    for (const query of queries) this.store.queries.has(query) || this.query(query).catch((error) => this.failed(query, error));
  }

  /** Something was labeled, predicted, added or removed: what follows from it is asked anew once it is quiet. */
  notice() {
    const { store } = this;
    if (!store.ready || store.revision === this.revision) return;
    this.revision = store.revision;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.renew(), QUIET);
  }

  renew() {
    const { store } = this;
    const predicted = store.predictions !== this.predictions;
    const others = store.table !== this.images;
    this.predictions = store.predictions;
    this.images = store.table;
    const { fields, queries } = store.needed;
    for (const name of [...store.fetched.keys()]) {
      const stale = others || LABEL_FIELDS.has(name) || (predicted && PREDICTION_FIELDS.has(name));
      if (!stale) continue;
      if (fields.includes(name)) this.ask(name).catch((error) => this.failed(name, error));
      else store.fetched.delete(name);
    }
    for (const query of [...store.queries.keys()]) {
      if (queries.includes(query)) this.query(query).catch((error) => this.failed(query, error));
      else store.queries.delete(query);
    }
  }

  /**
   * @param {string} name   of a field, or a query
   * @param {Error} error
   */
  failed(name, error) {
    if (this.closing.signal.aborted) return;
    this.store.setUnanswered(name);
    if (!(error instanceof Cancelled)) this.store.setNotice({ tone: "error", text: error.message });
  }

  close() {
    clearTimeout(this.timer);
    this.unsubscribe();
    this.closing.abort();
  }
}
