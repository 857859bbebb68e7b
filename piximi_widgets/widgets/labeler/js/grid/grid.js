// The grid: a scroller in which only the rows exist that are seen.
import { h, uniqueId } from "../controls/dom.js";
import { geometry, offsetAt, scrollFor, scrollToIndex, seenRows } from "./layout.js";
import { Rows } from "./rows.js";
import { Scrubber } from "./scrubber.js";
import { sizeFor } from "../kernel/thumbnails.js";
import { Zoom } from "./zoom.js";

/** @typedef {import("../kernel/session.js").Session} Session */
/** @typedef {import("./marquee.js").Point} Point */

/**
 * A place of the images that stays where it is on the screen while their size changes.
 * @typedef {object} Hold
 * @property {number} index
 * @property {number} part   how far down the image's row it is, 0 to 1
 * @property {number} y      from the upper edge, in pixels
 */

const MARGIN = 2;
const ASK_PAUSE = 60;

export class Grid {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.store = session.store;
    this.size = this.store.preferences.size;
    this.spacer = h("div", { className: "pxw-spacer", role: "presentation" });
    this.element = h(
      "div",
      {
        className: "pxw-grid", role: "grid", tabIndex: 0, id: uniqueId("grid"),
        "aria-label": "Images", "aria-multiselectable": "true",
      },
      this.spacer,
    );
    // Beside the scroller and not in it: a grid holds rows only.
    this.scrubber = new Scrubber({
      controls: this.element.id,
      go: (fraction) => this.scrollTo(fraction * (this.geometry.total - this.geometry.height)),
      nameAt: (index) => this.nameAt(index),
    });
    this.geometry = geometry({ width: 0, height: 0, size: this.size, count: 0 });
    /** The height of all that is seen, and the room for tiles in it. */
    this.stage = 0;
    this.width = 0;
    this.height = 0;
    this.inset = { left: 0, top: 0 };
    /** From a place in all rows to the same place in the scrolled element. */
    this.shift = 0;
    /** The scroll position, kept here: asking the browser for it makes it lay out all tiles. */
    this.scroll = 0;
    /** What stays at the upper edge when sizes change. @type {Hold} */
    this.top = { index: 0, part: 0, y: 0 };
    /** The image that was at the upper edge when the page was left, until somebody scrolls. @type {number | null} */
    this.wanted = null;
    /** The scroll position that was set here, which is not somebody's scrolling. */
    this.settled = 0;
    this.shownFirst = NaN;
    this.arranged = this.arrangement();
    this.rows = new Rows(session, this.spacer);
    /** @type {any} */
    this.askTimer = null;
    this.asked = -Infinity;
    this.frame = 0;
    this.element.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.zoom = new Zoom(this);
    this.observer = new ResizeObserver(() => this.relayout());
    this.observer.observe(this.element);
    this.unsubscribe = this.store.subscribe((change) => {
      if (change === "data") this.dataChanged();
      else if (change === "preferences") this.resize();
      else if (change === "selection" || change === "pictures") this.redraw();
    });
  }

  // -- where things lie ------------------------------------------------------------------------------

  /** Lay out anew, since the grid may have another size. */
  relayout() {
    const style = getComputedStyle(this.element);
    const [left, top, right, bottom] = [style.paddingLeft, style.paddingTop, style.paddingRight, style.paddingBottom].map((text) => parseFloat(text) || 0);
    this.stage = this.element.clientHeight;
    this.width = this.element.clientWidth - left - right;
    this.height = this.stage - top - bottom;
    this.inset = { left, top };
    this.layOut();
  }

  /** Lay out what is shown now, with something held where it is. @param {Hold} [hold] */
  layOut(hold = this.top) {
    const { width, height } = this;
    if (width <= 0 || height <= 0) return;
    if (!this.scrubber.element.isConnected) this.element.after(this.scrubber.element);
    const former = this.geometry;
    const next = geometry({ width, height, size: this.size, count: this.store.visible.length });
    this.geometry = next;
    this.scroll = Math.min(this.scroll, Math.max(0, next.spacer - height));
    this.spacer.style.height = `${next.spacer}px`;
    const lengths = {
      side: next.tile, picture: next.picture, "tag-height": next.tag, left: next.left, between: next.stride - next.tile,
    };
    for (const [name, pixels] of Object.entries(lengths)) this.element.style.setProperty(`--pxw-${name}`, `${pixels}px`);
    this.element.style.setProperty("--pxw-columns", String(next.columns));
    this.element.classList.toggle("pxw-tiny", next.tag < 20);
    this.element.classList.toggle("pxw-large", next.tag > 20);
    this.element.setAttribute("aria-rowcount", String(next.rows));
    this.element.setAttribute("aria-colcount", String(next.columns));
    this.rows.setColumns(next.columns);
    const wanted = this.wanted === null ? -1 : this.store.selection.order.indexOf(this.wanted);
    if (wanted >= 0) {
      this.settle({ index: wanted, part: 0, y: 0 });
      this.top = { index: wanted, part: 0, y: 0 };
    } else if (this.wanted !== null) {
      this.settled = this.scroll;
    } else if (former.columns !== next.columns || former.pitch !== next.pitch || next.spacer !== next.total || former.spacer !== former.total) {
      this.settle(hold);
    }
    this.redraw();
  }

  /** @param {Hold} hold */
  settle({ index, part, y }) {
    const { columns, pitch } = this.geometry;
    this.setScroll(scrollFor(this.geometry, (Math.floor(index / columns) + part) * pitch - y));
    this.settled = this.scroll;
  }

  /** How far into all rows the upper edge is. */
  get offset() {
    return offsetAt(this.geometry, this.scroll);
  }

  /** @param {number} scroll */
  setScroll(scroll) {
    this.element.scrollTop = scroll;
    this.scroll = this.element.scrollTop;
  }

  /** @param {number} offset   into all rows */
  scrollTo(offset) {
    this.setScroll(scrollFor(this.geometry, offset));
  }

  /** @param {number} pixels */
  scrollBy(pixels) {
    const target = scrollFor(this.geometry, this.offset + pixels);
    // Browsers round scroll positions, and the slowest scrolling would stand still.
    this.setScroll(pixels > 0 ? Math.max(target, this.scroll + 1) : Math.min(target, this.scroll - 1));
  }

  /** Where a point of the page's window lies: from the left edge, and into all rows. @param {Point} point */
  pointAt({ x, y }) {
    const box = this.element.getBoundingClientRect();
    return { x: x - box.left - this.inset.left, y: y - box.top - this.inset.top + this.offset };
  }

  scrolled() {
    this.scroll = this.element.scrollTop;
    if (Math.abs(this.scroll - this.settled) >= 1) {
      this.wanted = null;
      this.settled = NaN;
      this.noteTop();
      this.drawScrubber();
      this.scrubber.flash();
    }
    this.schedule();
  }

  noteTop() {
    const { columns, pitch } = this.geometry;
    const rows = Math.max(0, this.offset / pitch);
    this.top = { index: Math.floor(rows) * columns, part: rows % 1, y: 0 };
    if (this.topId !== null) this.session.noteScroll(this.topId);
  }

  /** The id of the image at the upper edge; null when there is none. */
  get topId() {
    return this.wanted ?? this.store.selection.order[this.top.index] ?? null;
  }

  /**
   * Bring an image to the upper edge, also once it is shown again if it is not now, unless somebody scrolls before that.
   * @param {number} id
   */
  scrollToId(id) {
    this.wanted = id;
    this.layOut();
  }

  /** What is shown and in which order, with what of that is still on its way from the kernel. */
  arrangement() {
    const { filter, order, title, shown, fetched, queries, needed } = this.store;
    const missing = [...needed.fields.filter((name) => !fetched.has(name)), ...needed.queries.filter((query) => !queries.has(query))];
    return JSON.stringify([filter, order, title, shown?.length, missing]);
  }

  /** Where other images are shown, begin with them, or stay with what is selected. */
  dataChanged() {
    const former = this.geometry.count;
    const arrangement = this.arrangement();
    const rearranged = arrangement !== this.arranged;
    this.arranged = arrangement;
    const { selection } = this.store;
    if (selection.order.length === former && !rearranged) return this.redraw();
    this.layOut();
    const same = selection.order[this.top.index] === this.shownFirst && selection.order.length === former;
    if (!rearranged || this.wanted !== null || same) return;
    if (selection.has(selection.focus)) this.reveal(selection.focus);
    else this.scrollTo(0);
  }

  resize() {
    if (this.size === this.store.preferences.size) return;
    this.size = this.store.preferences.size;
    const { hold } = this.zoom;
    this.layOut(hold ?? this.top);
    if (hold) this.noteTop();
  }

  // -- drawing ---------------------------------------------------------------------------------------

  redraw() {
    this.rows.changed();
    this.schedule();
  }

  schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    const { first, last } = seenRows(this.geometry, this.scroll, MARGIN);
    this.shift = this.offset - this.scroll;
    this.rows.draw(first, last, this.geometry.pitch, this.shift);
    this.shownFirst = this.store.selection.order[this.top.index];
    this.pointToFocus();
    this.drawScrubber();
    this.askSoon();
  }

  drawScrubber() {
    const { total, height, count } = this.geometry;
    const most = total - height;
    const fraction = most > 0 ? Math.max(0, Math.min(this.offset / most, 1)) : 0;
    this.scrubber.draw(count, total > 0 ? height / total : 1, fraction, this.stage);
  }

  /** @param {number} index */
  nameAt(index) {
    const id = this.store.selection.order[index];
    return this.store.names.has(id) && !this.store.preferences.blind ? this.store.nameOf(id) : "";
  }

  pointToFocus() {
    const element = this.rows.elementAt(this.store.selection.focus);
    if (element) this.element.setAttribute("aria-activedescendant", element.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  askSoon() {
    const wait = Math.max(0, this.asked + ASK_PAUSE - performance.now());
    if (this.askTimer === null) this.askTimer = setTimeout(() => this.ask(), wait);
  }

  ask() {
    this.askTimer = null;
    this.asked = performance.now();
    const { columns, tile } = this.geometry;
    const { visible, table } = this.store;
    const { first, last } = seenRows(this.geometry, this.scroll, 0);
    const ids = [];
    // One row more on both sides: of them a strip is seen beside the rows, where the grid has its padding.
    const until = Math.min(visible.length, (last + 1) * columns);
    for (let index = Math.max(0, first - 1) * columns; index < until; index++) ids.push(table.columns.ids[visible[index]]);
    this.session.thumbnails.want(ids, sizeFor(tile, globalThis.devicePixelRatio || 1));
  }

  /** Bring an image into view. @param {number} index */
  reveal(index) {
    if (index < 0) return;
    this.setScroll(scrollToIndex(this.geometry, this.scroll, index));
    this.schedule();
  }

  close() {
    this.unsubscribe();
    this.observer.disconnect();
    this.scrubber.close();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.askTimer);
  }
}
