// What a person can do with images, and the sentence that says what was done.
import { nextUnlabeled } from "./state/advance.js";
import { keysFor } from "./shortcuts.js";

/** @typedef {import("./kernel/session.js").Session} Session */
/** @typedef {import("./shortcuts.js").Stroke} Stroke */
/** @typedef {import("./types.js").Category} Category */

/**
 * @param {number} count
 * @param {string} [noun]
 */
export function counted(count, noun = "image") {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

export class Commands {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.store = session.store;
    /** Called after moving on to another image, with its index among what is shown. @type {(index: number) => void} */
    this.moved = () => {};
    /** The image that the viewer of this view shows. @type {number | null} */
    this.viewing = null;
    /** The images that the viewer steps through, where these are not all that are shown. @type {Set<number> | null} */
    this.within = null;
    /** Lets the viewer show another image. @type {(id: number) => void} */
    this.follow = () => {};
  }

  /** What commands work on: the image in the viewer, or else the selected images. */
  get targets() {
    return this.viewing === null ? this.store.selection.list() : Float64Array.of(this.viewing);
  }

  /** Whether edits can be made; says so when not. */
  get writable() {
    if (this.store.readOnly) this.store.announce("This project is open for reading only: nothing can be changed here.");
    return !this.store.readOnly;
  }

  /**
   * What to work on, or null after having said why that is not possible.
   * @returns {Float64Array | null}
   */
  editable() {
    if (!this.writable) return null;
    const { targets } = this;
    if (!targets.length) this.store.announce("Select images first: click one, or drag over several.");
    return targets.length ? targets : null;
  }

  /**
   * @param {Float64Array} ids
   * @param {(row: number) => unknown} holds
   */
  those(ids, holds) {
    return ids.filter((id) => holds(this.store.table.rowOf(id)));
  }

  // -- labels ----------------------------------------------------------------------------------------

  /** @param {Category} category */
  label(category) {
    const { store } = this;
    const targets = this.editable();
    if (!targets) return;
    const ids = this.those(targets, (row) => store.category[row] !== category.id);
    this.labelAndMoveOn(
      targets,
      () => {
        // The kernel may know a label of somebody else that is hidden here: hers is to be journaled as well.
        const confirm = store.preferences.blind ? { confirm: true } : {};
        if (ids.length) this.session.operate("label", ids, { name: category.name, ...confirm });
      },
      ids.length ? `${counted(ids.length)} labeled ${category.name}.` : `Already ${category.name}.`,
    );
  }

  /** @param {string} character */
  categoryWithKey(character) {
    const keys = keysFor(this.store.categories);
    return this.store.categories.find((each) => keys.get(each.id) === character) ?? null;
  }

  /**
   * @param {string} character
   * @returns {boolean} whether a category has this key
   */
  labelByKey(character) {
    const category = this.categoryWithKey(character);
    if (category) this.label(category);
    return category !== null;
  }

  unlabel() {
    const targets = this.editable();
    if (!targets) return;
    const ids = this.those(targets, (row) => this.store.category[row] !== 0);
    if (!ids.length) return this.store.announce("Already unlabeled.");
    this.session.operate("unlabel", ids);
    this.store.announce(`${counted(ids.length)} unlabeled.`);
  }

  /**
   * Label, say so, and where that is wanted move on to the next unlabeled image.
   * @param {Float64Array} targets
   * @param {() => void} operate
   * @param {string} says
   */
  labelAndMoveOn(targets, operate, says) {
    const { store } = this;
    if (!store.preferences.advance) {
      operate();
      return store.announce(says);
    }
    // Found before the edit: where the filter lets labeled images vanish, their places are gone after it.
    const next = nextUnlabeled(store, targets, this.within);
    operate();
    store.announce(next === null ? `${says} No unlabeled image is left among those shown.` : says);
    if (next !== null) this.moveTo(next);
  }

  /** @param {number} id */
  moveTo(id) {
    const { store } = this;
    if (this.viewing !== null) return this.follow(id);
    store.selection.pick(store.selection.order.indexOf(id));
    store.emit("selection");
    this.moved(store.selection.focus);
  }

  // -- predictions -----------------------------------------------------------------------------------

  /**
   * Those of the targets that have a prediction, or null after having said that there is none.
   * @returns {{ targets: Float64Array, ids: Float64Array } | null}
   */
  predicted() {
    const { store } = this;
    const targets = this.editable();
    if (!targets) return null;
    const ids = this.those(targets, (row) => store.prediction[row] !== 0);
    if (ids.length) return { targets, ids };
    store.announce(
      store.preferences.blind ? "Predictions are hidden in blind mode."
      : targets.length === 1 ? "This image has no prediction."
      : "None of these images has a prediction.",
    );
    return null;
  }

  accept() {
    const found = this.predicted();
    if (!found) return;
    const { store } = this;
    const ids = this.those(found.ids, (row) => store.category[row] !== store.prediction[row]);
    this.labelAndMoveOn(found.targets, () => this.acceptIds(ids), ids.length ? `${counted(ids.length)} labeled as predicted.` : "Already labeled as predicted.");
  }

  /** @param {Float64Array} ids */
  acceptIds(ids) {
    if (ids.length) this.session.operate("accept_predictions", ids, { experiment: this.store.predictions });
  }

  refuse() {
    const found = this.predicted();
    if (!found) return;
    this.session.operate("refuse_predictions", found.ids, { experiment: this.store.predictions });
    this.store.announce(`${counted(found.ids.length, "prediction")} refused.`);
  }

  /**
   * The images shown that are unlabeled, not excluded, and predicted with at least this confidence.
   * @param {number} threshold   0 to 1
   */
  aboveThreshold(threshold) {
    const { visible, prediction, category, excluded, table } = this.store;
    const { ids, confidence } = table.columns;
    const least = Math.fround(threshold);
    const rows = visible.filter((row) => prediction[row] && !category[row] && !excluded[row] && confidence[row] >= least);
    return Float64Array.from(rows, (row) => ids[row]);
  }

  /** @param {number} threshold */
  acceptAbove(threshold) {
    if (!this.writable) return;
    const ids = this.aboveThreshold(threshold);
    this.acceptIds(ids);
    const percent = Math.round(threshold * 100);
    this.store.announce(ids.length ? `${counted(ids.length)} labeled as predicted.` : `No unlabeled image shown has a prediction of ${percent} % or more.`);
  }

  // -- flags -----------------------------------------------------------------------------------------

  /**
   * Set a flag, or take it away when all targets have it.
   * @param {Uint8Array} flag
   * @param {{ set: string, unset: string, setSays: string, unsetSays: string }} words
   */
  toggle(flag, { set, unset, setSays, unsetSays }) {
    const targets = this.editable();
    if (!targets) return;
    const without = this.those(targets, (row) => !flag[row]);
    this.session.operate(without.length ? set : unset, without.length ? without : targets);
    this.store.announce(without.length ? `${counted(without.length)} ${setSays}` : `${counted(targets.length)} ${unsetSays}`);
  }

  toggleExcluded() {
    this.toggle(this.store.excluded, { set: "exclude", unset: "include", setSays: "excluded from training.", unsetSays: "included again." });
  }

  toggleUnsure() {
    this.toggle(this.store.unsure, { set: "mark_unsure", unset: "mark_sure", setSays: "marked as unsure.", unsetSays: "no longer unsure." });
  }

  undo() {
    if (this.writable) this.session.operate("undo", null);
  }

  redo() {
    if (this.writable) this.session.operate("redo", null);
  }

  // -- selection -------------------------------------------------------------------------------------

  selectAll() {
    this.store.selection.all();
    this.selected();
  }

  invert() {
    this.store.selection.invert();
    this.selected();
  }

  /** @param {number} category   a category's id, 0 for the unlabeled images */
  selectCategory(category) {
    const { visible, selection } = this.store;
    this.selectIds(selection.order.filter((_, index) => this.store.category[visible[index]] === category));
  }

  /** @param {Float64Array} ids */
  selectIds(ids) {
    const { selection } = this.store;
    selection.replace(ids);
    this.selected();
    if (selection.size) this.moved(selection.focus);
  }

  selected() {
    this.store.emit("selection");
    this.store.announce(`${counted(this.store.selection.size)} selected.`);
  }
}

/**
 * Do what a key asks of the images, in the grid and in the viewer alike.
 * @param {Stroke} stroke
 * @param {Commands} commands
 * @returns {boolean} whether the key was one of these
 */
export function runLabelingKey(stroke, commands) {
  const { key = "", place = "" } = stroke;
  if (key && commands.labelByKey(key)) return true;
  /** @type {Record<string, () => void>} */
  const actions = {
    unlabel: () => commands.unlabel(),
    accept: () => commands.accept(),
    refuse: () => commands.refuse(),
    unsure: () => commands.toggleUnsure(),
    exclude: () => commands.toggleExcluded(),
    undo: () => commands.undo(),
    redo: () => commands.redo(),
  };
  if (stroke.command in actions) {
    actions[stroke.command]();
    return true;
  }
  if (stroke.command !== "label") return false;
  if (place && commands.labelByKey(place)) return true;
  const wanted = [key, place].find((each) => /^[0-9a-z]$/.test(each));
  if (!wanted) return false;
  const { store } = commands;
  store.announce(store.categories.length ? `No category has the key ${wanted.toUpperCase()}.` : "Add a category first, with the button in the list.");
  return true;
}
