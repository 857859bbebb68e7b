// A rectangle drawn with the mouse or a pen selects the tiles that it touches, seen or not.
import { counted } from "../commands.js";
import { h } from "../controls/dom.js";
import { indexesIn, nearestIndex } from "./layout.js";

/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {import("../state/store.js").Store} Store */
/** @typedef {{ x: number, y: number }} Point */

/** A press that moves further than this, in pixels, draws. */
const SLACK = 5;
const EDGE = 24;
const FASTEST = 16_000;
const NONE = new Float64Array(0);

/**
 * How fast the grid scrolls by itself, in pixels a second: the faster, the further the pointer is past its edge.
 * @param {number} y        of the pointer, from the upper edge
 * @param {number} height   of the grid
 */
export function edgeSpeed(y, height) {
  const past = y < EDGE ? y - EDGE : Math.max(0, y - (height - EDGE));
  return Math.sign(past) * Math.min(FASTEST, (past / EDGE) ** 2 * 240);
}

/**
 * The rectangle between two corners.
 * @param {Point} one
 * @param {Point} other
 */
export function between(one, other) {
  return { left: Math.min(one.x, other.x), top: Math.min(one.y, other.y), right: Math.max(one.x, other.x), bottom: Math.max(one.y, other.y) };
}

/**
 * @typedef {object} Drag
 * @property {number} pointer
 * @property {Point} pressed   where, in the page's window
 * @property {Point} now       where the pointer is now
 * @property {Point} start     where it was pressed, in the grid's content
 * @property {ReturnType<import("../state/selection.js").Selection["snapshot"]>} before   the selection before the press
 * @property {boolean} add
 * @property {boolean} drawing
 * @property {number} time
 * @property {string} state
 */

export class Marquee {
  /**
   * @param {Grid} grid
   * @param {Store} store
   */
  constructor(grid, store) {
    this.grid = grid;
    this.store = store;
    /** @type {Drag | null} */
    this.drag = null;
    this.frame = 0;
    this.box = h("div", { className: "pxw-marquee", "aria-hidden": "true", hidden: true });
    grid.spacer.append(this.box);
    const { element } = grid;
    // A pen draws; a finger scrolls. The browser decides by style, before the pen comes down.
    element.addEventListener("pointerenter", (event) => element.classList.toggle("pxw-pen", event.pointerType === "pen"));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => event.pointerId === this.drag?.pointer && this.finish());
    element.addEventListener("pointercancel", () => this.cancel());
  }

  /**
   * A press that may become a rectangle.
   * @param {PointerEvent} event
   * @param {Drag["before"]} before
   * @param {boolean} add   to what was selected before
   */
  press(event, before, add) {
    const at = { x: event.clientX, y: event.clientY };
    this.drag = {
      pointer: event.pointerId, pressed: at, now: at, start: this.grid.pointAt(at), before, add, drawing: false, time: 0, state: "",
    };
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { drag } = this;
    if (!drag || event.pointerId !== drag.pointer) return;
    drag.now = { x: event.clientX, y: event.clientY };
    if (drag.drawing) return;
    if (Math.hypot(drag.now.x - drag.pressed.x, drag.now.y - drag.pressed.y) <= SLACK) return;
    drag.drawing = true;
    this.grid.element.setPointerCapture(drag.pointer);
    this.frame = requestAnimationFrame((time) => this.draw(time));
  }

  /** @param {number} time   in milliseconds */
  draw(time) {
    const { drag, grid } = this;
    if (!drag) return;
    const elapsed = drag.time ? Math.min(time - drag.time, 100) : 0;
    drag.time = time;
    const speed = edgeSpeed(drag.now.y - grid.element.getBoundingClientRect().top, grid.element.clientHeight);
    if (speed) grid.scrollBy((speed * elapsed) / 1000);
    this.select(drag);
    this.frame = requestAnimationFrame((next) => this.draw(next));
  }

  /** @param {Drag} drag */
  select(drag) {
    const { grid, store } = this;
    const { geometry } = grid;
    const end = grid.pointAt(drag.now);
    const rectangle = between(drag.start, end);
    const top = Math.max(0, rectangle.top);
    const left = Math.max(-8, rectangle.left);
    Object.assign(this.box.style, {
      width: `${Math.min(rectangle.right, grid.width + 8) - left}px`,
      height: `${Math.max(0, Math.min(rectangle.bottom, geometry.total) - top)}px`,
      transform: `translate(${left}px, ${top - grid.shift}px)`,
    });
    this.box.hidden = false;
    const indexes = indexesIn(geometry, rectangle);
    // All tiles between the first and the last corner: when these are the same, so are all others.
    const state = `${indexes.length} ${indexes[0]} ${indexes[indexes.length - 1]} ${geometry.columns} ${geometry.count}`;
    if (state === drag.state) return;
    drag.state = state;
    store.selection.block(indexes, drag.add ? drag.before.ids : NONE);
    store.selection.focus = nearestIndex(geometry, end.x, end.y);
    store.selection.anchor = nearestIndex(geometry, drag.start.x, drag.start.y);
    store.emit("selection");
  }

  finish() {
    const { drag, store } = this;
    if (drag?.drawing) {
      this.select(drag);
      store.announce(`${counted(store.selection.size)} selected.`);
    }
    this.end();
  }

  /** Leave the rectangle, with what was selected before. @returns {boolean} whether there was one */
  cancel() {
    const { drag, store } = this;
    const drawing = drag?.drawing ?? false;
    this.end();
    if (drag && drawing) {
      store.selection.restore(drag.before);
      store.emit("selection");
    }
    return drawing;
  }

  end() {
    const { drag, grid } = this;
    this.drag = null;
    cancelAnimationFrame(this.frame);
    this.box.hidden = true;
    if (drag?.drawing && grid.element.hasPointerCapture(drag.pointer)) grid.element.releasePointerCapture(drag.pointer);
  }
}
