// The line under the grid: how many are selected, what has just happened, and which image has the focus.
import { h } from "./dom.js";
import { PARTITIONS } from "./types.js";

/** @typedef {import("./session.js").Session} Session */

const DESCRIBE_PAUSE = 150;
const MESSAGE_STAYS = 6000;

export class StatusBar {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.store = session.store;
    this.selected = h("span", { className: "pxw-selected-count" });
    this.message = h("span", { className: "pxw-message", role: "status", "aria-live": "polite" });
    this.details = h("span", { className: "pxw-details" });
    this.element = h("footer", { className: "pxw-status" }, this.selected, this.message, this.details);
    /** The image that the line describes, and what the kernel says of it. */
    this.describedId = -1;
    /** @type {import("./types.js").Description | null} */
    this.description = null;
    /** @type {any} */
    this.messageTimer = null;
    /** @type {any} */
    this.describeTimer = null;
    this.unsubscribe = this.store.subscribe((change) => {
      if (change === "status" || change === "notice") this.say();
      else if (change !== "filter") this.draw();
    });
    this.draw();
  }

  draw() {
    const { selection } = this.store;
    const count = selection.size;
    this.selected.textContent = count ? `${count.toLocaleString("en")} selected` : "None selected";
    this.selected.classList.toggle("pxw-some", count > 0);
    const id = selection.order[selection.focus];
    if (id === undefined) {
      this.details.textContent = "";
      return;
    }
    this.describe(id, null);
    clearTimeout(this.describeTimer);
    this.describeTimer = setTimeout(() => this.describeFully(id), DESCRIBE_PAUSE);
  }

  /** @param {number} id */
  async describeFully(id) {
    try {
      const description = await this.session.describe(id);
      const { selection } = this.store;
      if (selection.order[selection.focus] === id) this.describe(id, description);
    } catch (error) {
      this.details.textContent = /** @type {Error} */ (error).message;
    }
  }

  /**
   * @param {number} id
   * @param {import("./types.js").Description | null} description
   */
  describe(id, description) {
    const { store } = this;
    const row = store.table.rowOf(id);
    const known = description ?? (this.describedId === id ? this.description : null);
    this.describedId = id;
    this.description = known;
    const name = known?.name ?? store.names.get(id) ?? `image ${id}`;
    const category = store.categoryOf(store.category[row])?.name ?? "unlabeled";
    const parts = [category, PARTITIONS[store.table.columns.partition[row]]];
    if (store.excluded[row]) parts.push("excluded");
    if (known) {
      parts.push(`${known.width} × ${known.height}`);
      if (known.channels > 1) parts.push(`${known.channels} channels`);
    }
    this.details.replaceChildren(h("strong", {}, name), ` · ${parts.join(" · ")}`);
    this.details.title = this.details.textContent ?? "";
  }

  say() {
    const { spoken } = this.store;
    if (!spoken) return;
    this.store.spoken = "";
    // The same sentence twice is announced twice.
    this.message.textContent = "";
    this.message.textContent = spoken;
    this.message.title = spoken;
    clearTimeout(this.messageTimer);
    this.messageTimer = setTimeout(() => (this.message.textContent = ""), MESSAGE_STAYS);
  }

  close() {
    this.unsubscribe();
    clearTimeout(this.messageTimer);
    clearTimeout(this.describeTimer);
  }
}
