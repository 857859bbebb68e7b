// The state of one labeler: what the kernel said, the edits on their way, and what of it is shown.
//
// A store belongs to the model, views only draw it: two views of one labeler show the same selection and the same edits.
import { idsFrom } from "./bytes.js";
import { countCategories, filterFromNames, visibleRows } from "./filter.js";
import { replay } from "./replay.js";
import { Selection } from "./selection.js";
import { Table } from "./table.js";

/** @typedef {import("./types.js").Category} Category */
/** @typedef {import("./types.js").Columns} Columns */
/** @typedef {import("./types.js").Filter} Filter */
/** @typedef {import("./types.js").Operation} Operation */
/** @typedef {"data" | "selection" | "status" | "notice" | "pictures" | "filter"} Change */

/**
 * @typedef {object} Notice
 * @property {"error" | "info" | "question"} tone
 * @property {string} text
 * @property {{ label: string, run: () => void }[]} [actions]
 */

export class Store {
  constructor() {
    this.ready = false;
    this.silent = false;
    this.storage = true;
    this.project = "";
    this.table = Table.empty();
    this.revision = -1;
    /** @type {Category[]} */
    this.known = [];
    /** @type {Category[]} */
    this.categories = [];
    this.category = /** @type {Int32Array} */ (new Int32Array(0));
    this.excluded = /** @type {Uint8Array} */ (new Uint8Array(0));
    /** @type {Operation[]} */
    this.pending = [];
    /** @type {"saved" | "saving" | "offline"} */
    this.saving = "saved";
    this.waiting = 0;
    this.reason = "";
    /** @type {Float64Array | null} */
    this.shown = null;
    this.title = "";
    this.scope = /** @type {Uint32Array} */ (new Uint32Array(0));
    /** @type {Filter} */
    this.filter = {};
    this.visible = /** @type {Uint32Array} */ (new Uint32Array(0));
    this.selection = new Selection();
    /** @type {Map<number, number>} */
    this.counts = new Map();
    /** @type {Map<number, string>} */
    this.names = new Map();
    /** @type {Notice | null} */
    this.notice = null;
    this.spoken = "";
    /** @type {Set<(change: Change) => void>} */
    this.listeners = new Set();
  }

  /**
   * @param {(change: Change) => void} listener
   * @returns {() => void} ends it
   */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** @param {Change} change */
  emit(change) {
    for (const listener of [...this.listeners]) listener(change);
  }

  /**
   * Everything, as the kernel has it.
   * @param {{ revision: number, categories: Category[], project: string }} content
   * @param {Columns} columns
   */
  load(content, columns) {
    this.table = new Table(columns);
    this.revision = content.revision;
    this.known = content.categories;
    this.project = content.project;
    this.ready = true;
    this.rescope();
    this.refresh();
  }

  /**
   * What has changed from one revision to a later one.
   * @param {{ from: number, to: number, categories: Category[] | null }} delta
   * @param {Columns} columns
   * @returns {"known" | "gap" | "new images"} a gap: something between is missing
   */
  advance(delta, columns) {
    if (delta.from > this.revision) return "gap";
    if (delta.to <= this.revision) return "known";
    for (const id of columns.ids) if (this.table.rowOf(id) < 0) return "new images";
    this.table.patch(columns);
    if (delta.categories) this.known = delta.categories;
    this.revision = delta.to;
    return "known";
  }

  /**
   * Show some images only, under a title; null shows all.
   * @param {Float64Array | null} ids
   * @param {string} title
   */
  show(ids, title) {
    this.shown = ids;
    this.title = title;
    this.rescope();
    this.refresh();
    this.emit("filter");
  }

  rescope() {
    if (this.shown) {
      this.scope = this.table.rowsOf(this.shown);
      return;
    }
    this.scope = new Uint32Array(this.table.length);
    for (let row = 0; row < this.scope.length; row++) this.scope[row] = row;
  }

  /** Apply the edits on their way to what the kernel said, and show the result. */
  refresh() {
    const former = this.categories;
    const shown = replay(this.table, this.known, this.pending);
    this.category = shown.category;
    this.excluded = shown.excluded;
    this.categories = shown.categories;
    const filtered = this.filter.category;
    const renamed = former.some((each) => each.id === filtered && this.categoryOf(each.id)?.name !== each.name);
    if (renamed) this.emit("filter");
    if (filtered && !this.categories.some((each) => each.id === filtered)) {
      // A category that has just got its id, or one that was deleted.
      const name = former.find((each) => each.id === filtered)?.name;
      const successor = this.categories.find((each) => each.name === name);
      this.filter = { ...this.filter, category: successor?.id };
      if (!successor) delete this.filter.category;
      this.emit("filter");
    }
    this.counts = countCategories(this.scope, this.category, this.excluded);
    this.arrange();
    this.emit("data");
  }

  arrange() {
    const { ids, partition } = this.table.columns;
    this.visible = visibleRows(this.scope, this.category, partition, this.filter);
    const before = this.selection.size;
    const order = new Float64Array(this.visible.length);
    for (let at = 0; at < order.length; at++) order[at] = ids[this.visible[at]];
    this.selection.show(order);
    if (this.selection.size !== before) this.emit("selection");
  }

  /** @param {Filter} filter */
  setFilter(filter) {
    this.filter = filter;
    this.arrange();
    this.emit("data");
    this.emit("filter");
  }

  /** @param {Record<string, string | null>} named */
  setNamedFilter(named) {
    this.setFilter(filterFromNames(named, this.categories));
  }

  /** @param {DataView | null} view */
  setSelection(view) {
    this.selection.replace(idsFrom(view));
    this.emit("selection");
  }

  /** @param {number} id */
  categoryOf(id) {
    return this.categories.find((each) => each.id === id) ?? null;
  }

  /**
   * Images with a category, excluded ones too: what deleting it would change.
   * @param {number} id
   */
  labeledWith(id) {
    let count = 0;
    for (const each of this.category) if (each === id) count++;
    return count;
  }

  /** @returns {{ labeled: number, total: number }} */
  progress() {
    let total = 0;
    for (const count of this.counts.values()) total += count;
    return { labeled: total - (this.counts.get(0) ?? 0), total };
  }

  /** @param {Notice | null} notice */
  setNotice(notice) {
    this.notice = notice;
    // An error is an alert, which screen readers speak by themselves.
    if (notice && notice.tone !== "error") this.spoken = notice.text;
    this.emit("notice");
  }

  /** Say what happened, to eyes in the status line and to screen readers. @param {string} text */
  announce(text) {
    this.spoken = text;
    this.emit("status");
  }
}
