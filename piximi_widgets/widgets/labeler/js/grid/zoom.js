// The size of the images in the grid, by keys and the mouse wheel: what one looks at stays where it is.
import { nearestIndex, zoomed } from "./layout.js";

/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {import("./grid.js").Hold} Hold */
/** @typedef {import("./marquee.js").Point} Point */

/** Pixels of the mouse wheel that make one step. */
const STEP = 60;
/** Pixels of what browsers call a line of the wheel. */
const LINE = 20;

export class Zoom {
  /** @param {Grid} grid */
  constructor(grid) {
    this.grid = grid;
    /** Where the pointer is over the grid. @type {Point | null} */
    this.pointer = null;
    this.turned = 0;
    /** What is held while the size changes. @type {Hold | null} */
    this.hold = null;
    /** What the resting pointer is about, whatever comes to lie under it. @type {Hold | null} */
    this.rest = null;
    const { element } = grid;
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("pointermove", (event) => {
      this.pointer = { x: event.clientX, y: event.clientY };
      this.rest = null;
    });
    element.addEventListener("pointerleave", () => (this.pointer = this.rest = null));
  }

  /**
   * Larger or smaller, around the focused image if it is seen, or else around the one under the pointer.
   * @param {number} by   steps, above 0 for larger
   */
  step(by) {
    this.around(by, this.focus() ?? this.underPointer());
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) {
      this.rest = null;
      return;
    }
    event.preventDefault();
    this.turned -= event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE);
    const steps = Math.trunc(this.turned / STEP);
    if (!steps) return;
    this.turned -= steps * STEP;
    this.pointer = { x: event.clientX, y: event.clientY };
    this.around(steps, this.underPointer());
  }

  /**
   * @param {number} by
   * @param {Hold | null} hold
   */
  around(by, hold) {
    const { size, width, store } = this.grid;
    this.hold = hold;
    store.setPreference("size", zoomed(size, width, by));
    this.hold = null;
  }

  /** @returns {Hold | null} */
  underPointer() {
    if (!this.pointer) return null;
    if (this.rest) return this.rest;
    const { grid } = this;
    const { pitch, columns } = grid.geometry;
    const { x, y } = grid.pointAt(this.pointer);
    const index = Math.max(0, nearestIndex(grid.geometry, x, y));
    this.rest = { index, part: y / pitch - Math.floor(index / columns), y: y - grid.offset };
    return this.rest;
  }

  /** The middle of the focused image, if it is seen. @returns {Hold | null} */
  focus() {
    const { geometry, store, offset } = this.grid;
    const index = store.selection.focus;
    const y = (Math.floor(index / geometry.columns) + 0.5) * geometry.pitch - offset;
    return index >= 0 && y >= 0 && y <= geometry.height ? { index, part: 0.5, y } : null;
  }
}
