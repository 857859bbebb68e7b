// The state of one labeler: what the kernel said, the edits on their way, and what of it is shown.
//
// A store belongs to the model, views only draw it: two views of one labeler show the same selection and the same edits.
import { idsFrom } from "../kernel/bytes.js";
import { HELD_FIELDS, LABEL_FIELDS, PREDICTION_FIELDS, heldField, moved } from "./fields.js";
import { countPartitions, followCategories, visibleRows } from "./filter.js";
import { parsedOrder, shuffled, sortedBy } from "./order.js";
import { DEFAULTS } from "./preferences.js";
import { present } from "./present.js";
import { Selection } from "./selection.js";
import { Table } from "./table.js";

/** @typedef {import("../types.js").Category} Category */
/** @typedef {import("../types.js").Clause} Clause */
/** @typedef {import("../types.js").Columns} Columns */
/** @typedef {import("../types.js").Field} Field */
/** @typedef {import("../types.js").Operation} Operation */
/** @typedef {import("./fields.js").FieldData} FieldData */
/** @typedef {import("./preferences.js").Preferences} Preferences */
/** @typedef {"data" | "selection" | "status" | "notice" | "pictures" | "filter" | "preferences" | "viewing" | "fields"} Change */

/**
 * @typedef {object} Notice
 * @property {"error" | "info" | "question"} tone
 * @property {string} text
 * @property {{ label: string, run: () => void }[]} [actions]
 */

/**
 * What the kernel says of a project when it is opened.
 * @typedef {object} Opened
 * @property {number} revision
 * @property {Category[]} categories
 * @property {string} project
 * @property {string | null} predictions   the experiment whose predictions are shown
 * @property {boolean} read_only
 * @property {Field[]} fields
 */

const NO_ROWS = new Uint32Array(0);

export class Store {
  constructor() {
    this.ready = false;
    this.readOnly = false;
    this.silent = false;
    this.storage = true;
    this.project = "";
    this.table = Table.empty();
    this.revision = -1;
    /** @type {Field[]} */
    this.fields = [];
    /** @type {string | null} */
    this.predictions = null;
    /** @type {Preferences} */
    this.preferences = { ...DEFAULTS };

    /** @type {Category[]} */
    this.known = [];
    /** @type {Operation[]} */
    this.pending = [];
    /** @type {"saved" | "saving" | "offline"} */
    this.saving = "saved";
    this.waiting = 0;
    this.reason = "";

    // By row of the table, with the edits on their way, and without what blind mode hides.
    /** @type {Category[]} */
    this.categories = [];
    this.category = /** @type {Int32Array} */ (new Int32Array(0));
    this.excluded = /** @type {Uint8Array} */ (new Uint8Array(0));
    this.unsure = /** @type {Uint8Array} */ (new Uint8Array(0));
    this.origin = /** @type {Uint8Array} */ (new Uint8Array(0));
    this.prediction = /** @type {Int32Array} */ (new Int32Array(0));
    this.refused = /** @type {Int32Array} */ (new Int32Array(0));
    this.hasPredictions = false;

    /** @type {Float64Array | null} */
    this.shown = null;
    this.title = "";
    this.scope = /** @type {Uint32Array} */ (NO_ROWS);
    /** @type {Clause[]} */
    this.filter = [];
    this.order = "";
    /** The scope in its order, as it was when it was last sorted. */
    this.sorted = /** @type {Uint32Array} */ (NO_ROWS);
    /** The labels then. @type {Int32Array | null} */
    this.sortedLabels = null;
    this.visible = /** @type {Uint32Array} */ (NO_ROWS);
    /** @type {Map<number, number>} */
    this.counts = new Map();
    /** @type {Map<number, number[]>} */
    this.partitionCounts = new Map();
    this.selection = new Selection();

    /** What the kernel has said of fields that only it knows. @type {Map<string, FieldData>} */
    this.fetched = new Map();
    /** What the page holds itself, made from the present labels when asked for. @type {Map<string, FieldData>} */
    this.held = new Map();
    /** The rows for which a query is true. @type {Map<string, Uint8Array>} */
    this.queries = new Map();
    /** Fields and queries that the kernel could not answer. @type {Set<string>} */
    this.unanswered = new Set();
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

  // -- what the kernel says --------------------------------------------------------------------------

  /**
   * Everything, as the kernel has it.
   * @param {Opened} content
   * @param {Columns} columns
   */
  load(content, columns) {
    const former = this.table;
    this.table = new Table(columns);
    this.revision = content.revision;
    this.known = content.categories;
    this.project = content.project;
    this.predictions = content.predictions ?? null;
    this.readOnly = content.read_only ?? false;
    this.fields = content.fields ?? [];
    this.ready = true;
    for (const [name, field] of this.fetched) this.fetched.set(name, moved(field, former, this.table));
    for (const [query, mask] of this.queries) this.queries.set(query, movedMask(mask, former, this.table));
    this.rescope();
    this.refresh();
    this.emit("fields");
  }

  /**
   * What has changed from one revision to a later one.
   * @param {{ from: number, to: number, categories: Category[] | null, predictions?: string | null }} delta
   * @param {Columns} columns
   * @returns {"known" | "gap" | "new images"} a gap: something between is missing
   */
  advance(delta, columns) {
    if (delta.from > this.revision) return "gap";
    if (delta.to <= this.revision) return "known";
    for (const id of columns.ids) if (this.table.rowOf(id) < 0) return "new images";
    this.table.patch(columns);
    if (delta.categories) this.known = delta.categories;
    if (delta.predictions !== undefined) {
      // After a training, images are sorted by what is predicted now.
      const other = delta.predictions !== this.predictions;
      if (other && PREDICTION_FIELDS.has(parsedOrder(this.order).field)) this.sorted = NO_ROWS;
      this.predictions = delta.predictions;
    }
    this.revision = delta.to;
    return "known";
  }

  /** @param {FieldData} field */
  setField(field) {
    // What labeling changes is put in order when somebody asks for it, not while she labels.
    const waits = LABEL_FIELDS.has(field.name) && this.fetched.has(field.name);
    this.fetched.set(field.name, field);
    this.unanswered.delete(field.name);
    if (parsedOrder(this.order).field === field.name && !waits) this.resort();
    this.arrange();
    this.emit("data");
    this.emit("fields");
  }

  /**
   * @param {string} query
   * @param {Float64Array} ids   the images for which it is true
   */
  setQuery(query, ids) {
    const mask = new Uint8Array(this.table.length);
    for (const row of this.table.rowsOf(ids)) mask[row] = 1;
    this.queries.set(query, mask);
    this.unanswered.delete(query);
    this.arrange();
    this.emit("data");
  }

  /** The kernel has no answer: nothing waits for it any more. @param {string} name   of a field, or a query */
  setUnanswered(name) {
    this.unanswered.add(name);
    this.emit("data");
    this.emit("fields");
  }

  // -- what is shown ---------------------------------------------------------------------------------

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
    this.scope = this.shown ? this.table.rowsOf(this.shown) : new Uint32Array(this.table.length).map((_, row) => row);
    this.sorted = NO_ROWS;
  }

  /** Apply the edits on their way to what the kernel said, and show the result. */
  refresh() {
    const former = this.categories;
    const { table, known, pending, preferences } = this;
    ({
      categories: this.categories, category: this.category, origin: this.origin, excluded: this.excluded,
      unsure: this.unsure, prediction: this.prediction, refused: this.refused,
    } = present(table, known, pending, preferences.blind));
    this.hasPredictions = this.prediction.some((id) => id !== 0);
    this.held.clear();
    const filter = followCategories(this.filter, former, this.categories);
    const renamed = filter !== this.filter;
    this.filter = filter;
    this.partitionCounts = countPartitions(this.scope, this.category, table.columns.partition, this.excluded);
    this.counts = new Map(Array.from(this.partitionCounts, ([id, counts]) => [id, counts.reduce((sum, count) => sum + count, 0)]));
    if (this.sorted.length !== this.scope.length) this.resort();
    this.arrange();
    this.emit("data");
    if (renamed) this.emit("filter");
  }

  /** Put the scope in order: when that is asked for, and not while somebody labels. */
  resort() {
    const { field, descending, seed } = parsedOrder(this.order);
    const data = field ? this.fieldData(field) : null;
    if (seed !== null) this.sorted = shuffled(this.scope, this.table.columns.ids, seed);
    else this.sorted = data ? sortedBy(this.scope, data, descending) : this.scope;
    this.sortedLabels = LABEL_FIELDS.has(field) ? this.category : null;
  }

  /** Whether labels have changed since the images were sorted by them. */
  get orderStale() {
    const then = this.sortedLabels;
    return then !== null && (then.length !== this.category.length || then.some((id, row) => id !== this.category[row]));
  }

  /** Sort once more by what labels are now. */
  sortAgain() {
    this.resort();
    this.arrange();
    this.emit("data");
  }

  arrange() {
    this.visible = visibleRows(this.sorted, this.filter, {
      field: (name) => this.fieldData(name),
      flag: (name) => this.flag(name),
      query: (query) => this.queries.get(query) ?? null,
    });
    const { ids } = this.table.columns;
    const before = this.selection.size;
    const order = new Float64Array(this.visible.length);
    for (let at = 0; at < order.length; at++) order[at] = ids[this.visible[at]];
    this.selection.show(order);
    if (this.selection.size !== before) this.emit("selection");
  }

  /**
   * What images can be filtered and sorted by under this name; null while only the kernel knows it.
   * @param {string} name
   * @returns {FieldData | null}
   */
  fieldData(name) {
    let field = this.fetched.get(name) ?? this.held.get(name) ?? null;
    if (!field) {
      field = heldField(name, this);
      if (field) this.held.set(name, field);
    }
    return field;
  }

  /** @param {string} name */
  flag(name) {
    return { excluded: this.excluded, unsure: this.unsure, refused: this.refused }[name] ?? null;
  }

  /** What filter and order need and only the kernel knows, be it here already or not. */
  get needed() {
    const names = this.filter.flatMap((clause) => ("query" in clause || "is" in clause ? [] : [clause.field]));
    const { field, seed } = parsedOrder(this.order);
    if (field && seed === null) names.push(field);
    const queries = this.filter.flatMap((clause) => ("query" in clause ? [clause.query] : []));
    return { fields: names.filter((name) => !HELD_FIELDS.includes(name)), queries };
  }

  /** Whether the filter waits for the kernel to say what images it is about. */
  get incomplete() {
    const { fields, queries } = this.needed;
    const missing = [...fields.filter((name) => !this.fetched.has(name)), ...queries.filter((query) => !this.queries.has(query))];
    return missing.some((name) => !this.unanswered.has(name));
  }

  // -- what a person chooses -------------------------------------------------------------------------

  /** @param {Clause[]} filter */
  setFilter(filter) {
    this.filter = filter;
    this.arrange();
    this.emit("data");
    this.emit("filter");
  }

  /**
   * Give the filter one clause of a field, in the place of the one that it has; null takes it away.
   * @param {string} field
   * @param {Clause | null} clause
   */
  replaceClause(field, clause) {
    const at = this.filter.findIndex((each) => "field" in each && each.field === field);
    const filter = this.filter.filter((_, index) => index !== at);
    if (clause) filter.splice(at < 0 ? filter.length : at, 0, clause);
    this.setFilter(filter);
  }

  /** @param {number} index */
  removeClause(index) {
    this.setFilter(this.filter.filter((_, at) => at !== index));
  }

  /** @param {string} order */
  setOrder(order) {
    this.order = order;
    this.sortAgain();
    this.emit("filter");
  }

  /** @param {DataView | null} view */
  setSelection(view) {
    this.selection.replace(idsFrom(view));
    this.emit("selection");
  }

  /**
   * @template {keyof Preferences} T
   * @param {T} name
   * @param {Preferences[T]} value
   */
  setPreference(name, value) {
    if (this.preferences[name] === value) return;
    this.preferences = { ...this.preferences, [name]: value };
    if (name === "blind" && this.ready) this.refresh();
    this.emit("preferences");
  }

  // -- what others ask -------------------------------------------------------------------------------

  /** @param {number} id */
  categoryOf(id) {
    return this.categories.find((each) => each.id === id) ?? null;
  }

  /** What to call an image. @param {number} id */
  nameOf(id) {
    return (this.preferences.blind ? undefined : this.names.get(id)) ?? `image ${id}`;
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

/**
 * @param {Uint8Array} mask
 * @param {Table} former
 * @param {Table} table
 */
function movedMask(mask, former, table) {
  const result = new Uint8Array(table.length);
  former.columns.ids.forEach((id, row) => {
    const at = mask[row] ? table.rowOf(id) : -1;
    if (at >= 0) result[at] = 1;
  });
  return result;
}
