// The line under the grid: how many are selected, what has just happened, and which image has the focus.
import { h } from "./controls/dom.js";
import { MINE, ORIGINS, PARTITIONS } from "./types.js";

/** @typedef {import("./kernel/session.js").Session} Session */
/** @typedef {import("./state/store.js").Store} Store */
/** @typedef {import("./types.js").Description} Description */

const DESCRIBE_PAUSE = 150;
const MESSAGE_STAYS = 6000;

export class StatusBar {
  /**
   * @param {Session} session
   * @param {import("./commands.js").Commands} commands
   */
  constructor(session, commands) {
    this.session = session;
    this.commands = commands;
    this.store = session.store;
    this.selected = h("span", { className: "pxw-selected-count" });
    this.message = h("span", { className: "pxw-message", role: "status", "aria-live": "polite" });
    this.details = h("span", { className: "pxw-details" });
    this.unkept = h(
      "span",
      {
        className: "pxw-unkept",
        title: "The browser gives this page no storage. Edits that wait for the kernel are lost when the page is closed or loaded anew.",
      },
      "Edits are not kept in this browser",
    );
    this.element = h("footer", { className: "pxw-status" }, this.selected, this.message, this.details, this.unkept);
    /** The image that the line describes, and what the kernel says of it. */
    this.describedId = -1;
    /** @type {Description | null} */
    this.description = null;
    /** @type {any} */
    this.messageTimer = null;
    /** @type {any} */
    this.describeTimer = null;
    this.unsubscribe = this.store.subscribe((change) => {
      if (change === "status" || change === "notice") this.say();
      if (change !== "filter" && change !== "notice") this.draw();
    });
    this.draw();
  }

  /** The image of the viewer, or the one that has the focus. @returns {number | undefined} */
  get current() {
    const { selection } = this.store;
    return this.commands.viewing ?? selection.order[selection.focus];
  }

  draw() {
    const { store } = this;
    const count = store.selection.size;
    const words = count ? `${count.toLocaleString("en")} selected` : "None selected";
    if (this.selected.textContent !== words) this.selected.textContent = words;
    this.selected.classList.toggle("pxw-some", count > 0);
    this.unkept.hidden = store.storage;
    const id = this.current;
    if (id === undefined) {
      this.details.replaceChildren();
      return;
    }
    const again = id === this.describedId;
    this.describe(id, again ? this.description : null);
    if (again && this.description) return;
    clearTimeout(this.describeTimer);
    this.describeTimer = setTimeout(() => this.describeFully(id), DESCRIBE_PAUSE);
  }

  /** @param {number} id */
  async describeFully(id) {
    try {
      const description = await this.session.describe(id);
      if (this.current === id) this.describe(id, description);
    } catch (error) {
      const { blind } = this.store.preferences;
      if (this.current === id) this.details.textContent = blind ? this.store.nameOf(id) : /** @type {Error} */ (error).message;
    }
  }

  /**
   * @param {number} id
   * @param {Description | null} description
   */
  describe(id, description) {
    const { store } = this;
    this.describedId = id;
    this.description = description;
    const name = store.preferences.blind ? store.nameOf(id) : (description?.name ?? store.nameOf(id));
    const parts = [...labelWords(store, store.table.rowOf(id)), ...(description ? sizeWords(description) : [])];
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

/**
 * What is said about an image: its label and where that came from, its prediction, its partition.
 * @param {Pick<Store, "category" | "categoryOf" | "origin" | "prediction" | "excluded" | "unsure" | "table" | "fieldData" | "preferences">} store
 * @param {number} row
 */
export function labelWords(store, row) {
  if (row < 0) return [];
  const label = store.categoryOf(store.category[row])?.name;
  const origin = label ? originWords(store, row) : "";
  const parts = [label ? `${label}${origin ? ` (${origin})` : ""}` : "unlabeled"];
  const predicted = store.categoryOf(store.prediction[row])?.name;
  if (predicted) parts.push(`predicted ${predicted} ${Math.round(store.table.columns.confidence[row] * 100)} %`);
  if (store.unsure[row]) parts.push("unsure");
  if (store.excluded[row]) parts.push("excluded");
  parts.push(PARTITIONS[store.table.columns.partition[row]]);
  return parts;
}

/**
 * @param {Pick<Store, "origin" | "fieldData" | "preferences">} store
 * @param {number} row
 */
function originWords(store, row) {
  const origin = ORIGINS[store.origin[row] & (MINE - 1)];
  const way = { hand: "by hand", accepted: "accepted prediction", imported: "imported" }[origin ?? ""];
  if (store.origin[row] & MINE) return origin === "hand" ? "by you" : `${way}, by you`;
  const authors = store.preferences.blind ? null : store.fieldData("labeled_by");
  const author = authors?.kind === "text" ? authors.values[authors.codes[row]] : undefined;
  return [way, author && `by ${author}`].filter(Boolean).join(", ");
}

/**
 * How large an image is, in pixels and where that is known in micrometres.
 * @param {Description} description
 */
export function sizeWords({ width, height, channels, planes, pixel_size: pixelSize }) {
  const parts = [`${width} × ${height}`];
  if (channels > 1) parts.push(`${channels} channels`);
  if (planes > 1) parts.push(`${planes} planes`);
  const [distance, down, across] = pixelSize ?? [null, null, null];
  const micrometres = (/** @type {number} */ value) => Number(value.toPrecision(4)).toString();
  if (across) {
    const side = !down || Math.abs(down - across) < across * 1e-4 ? micrometres(across) : `${micrometres(across)} × ${micrometres(down)}`;
    parts.push(`pixels of ${side} µm`);
  }
  if (distance && planes > 1) parts.push(`planes ${micrometres(distance)} µm apart`);
  return parts;
}
