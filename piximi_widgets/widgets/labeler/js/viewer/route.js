// Which image comes next: of the selection, when several images were selected at opening, else of everything shown.

/** @typedef {import("../state/store.js").Store} Store */
/** @typedef {"previous" | "next" | "first" | "last"} Move */

export class Route {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** The images that were selected at opening; null for everything that is shown. @type {Float64Array | null} */
    this.chosen = null;
    /** The order in which images were shown when it was last looked at. */
    this.order = store.selection.order;
    /** Where the image was in it: it may have vanished from there, because it was labeled. */
    this.place = 0;
  }

  /** @returns {number | null} the image to show first; null where there is none */
  start() {
    const { selection } = this.store;
    this.order = selection.order;
    this.chosen = selection.size > 1 ? selection.list() : null;
    const focused = selection.order[selection.focus];
    const first = this.chosen && !selection.has(selection.focus) ? this.chosen[0] : focused;
    return first ?? null;
  }

  /** The images to step through, without those that have been removed from the project. */
  get list() {
    if (!this.chosen) return this.store.selection.order;
    return this.chosen.filter((id) => this.store.table.rowOf(id) >= 0);
  }

  /** Where an image stands, counted from 1; 0 when it does not. @param {number} id */
  position(id) {
    const { list } = this;
    const at = list.indexOf(id);
    if (at >= 0) this.place = at;
    return { number: at + 1, count: list.length, selected: this.chosen !== null };
  }

  /**
   * @param {number} id
   * @param {Move} move
   * @returns {number | null} null where there is nothing further
   */
  target(id, move) {
    const { list } = this;
    const at = list.indexOf(id);
    const place = at >= 0 ? at : Math.min(this.place, list.length);
    const index = { previous: place - 1, next: at >= 0 ? place + 1 : place, first: 0, last: list.length - 1 }[move];
    const target = list[index];
    return target === undefined || target === id ? null : target;
  }

  /** Move the focus of the grid to an image, where it is shown. @param {number} id */
  focus(id) {
    const { selection } = this.store;
    const index = selection.order.indexOf(id);
    if (index < 0 || (index === selection.focus && (this.chosen || selection.has(index)))) return;
    selection.move(index, { only: this.chosen !== null });
    this.store.emit("selection");
  }

  /**
   * The image to follow to when the focus may have moved; null to stay. A focus that moves because images were arranged
   * anew is not followed: a label must not make what is looked at vanish.
   * @param {number} id   the image that is shown
   */
  followed(id) {
    const { selection } = this.store;
    if (selection.order !== this.order) {
      this.order = selection.order;
      return null;
    }
    const focused = selection.order[selection.focus];
    if (focused === undefined || focused === id || (this.chosen && !this.chosen.includes(focused))) return null;
    return focused;
  }
}
