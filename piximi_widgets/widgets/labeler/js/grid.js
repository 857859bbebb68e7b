// The grid: a scroller in which only the rows exist that are seen.
import { h, uniqueId } from "./dom.js";
import { geometry, offsetAt, scrollFor, scrollToIndex, seenRows } from "./layout.js";
import { sizeFor } from "./thumbnails.js";
import { Tile } from "./tile.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {{ element: HTMLElement, tiles: Tile[] }} Row */

const MARGIN = 2;
const ASK_PAUSE = 60;

export class Grid {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.store = session.store;
    this.size = 96;
    this.name = uniqueId("tile");
    this.spacer = h("div", { className: "pxw-spacer", role: "presentation" });
    this.element = h(
      "div",
      {
        className: "pxw-grid", role: "grid", tabIndex: 0,
        "aria-label": "Images", "aria-multiselectable": "true",
      },
      this.spacer,
    );
    this.geometry = geometry({ width: 0, height: 0, size: this.size, count: 0 });
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    /** @type {Row[]} */
    this.free = [];
    /** @type {any} */
    this.askTimer = null;
    this.frame = 0;
    this.element.addEventListener("scroll", () => this.schedule(), { passive: true });
    this.observer = new ResizeObserver(() => this.relayout());
    this.observer.observe(this.element);
    this.unsubscribe = this.store.subscribe((change) => {
      if (change === "data") this.relayout();
      else if (change === "selection" || change === "pictures") this.schedule();
    });
  }

  /** @param {number} size */
  setSize(size) {
    this.size = size;
    this.relayout();
  }

  /** Lay out anew, with the same image at the upper edge. */
  relayout() {
    const style = getComputedStyle(this.element);
    const width = this.element.clientWidth - parseFloat(style.paddingLeft || "0") - parseFloat(style.paddingRight || "0");
    const height = this.element.clientHeight - parseFloat(style.paddingTop || "0") - parseFloat(style.paddingBottom || "0");
    if (width <= 0 || height <= 0) return;
    const former = this.geometry;
    const count = this.store.visible.length;
    const next = geometry({ width, height, size: this.size, count });
    const top = Math.floor(offsetAt(former, this.element.scrollTop) / former.pitch) * former.columns;
    this.geometry = next;
    this.spacer.style.height = `${next.spacer}px`;
    this.element.style.setProperty("--pxw-side", `${Math.floor(next.tile)}px`);
    this.element.style.setProperty("--pxw-tag-height", `${next.tag}px`);
    this.element.style.setProperty("--pxw-columns", String(next.columns));
    this.element.classList.toggle("pxw-tiny", next.tag < 20);
    this.element.setAttribute("aria-rowcount", String(next.rows));
    this.element.setAttribute("aria-colcount", String(next.columns));
    if (former.columns !== next.columns) {
      this.discardRows();
      if (former.columns && top) this.element.scrollTop = scrollFor(next, Math.floor(top / next.columns) * next.pitch);
    }
    this.schedule();
  }

  discardRows() {
    for (const row of this.rows.values()) row.element.remove();
    this.rows.clear();
    this.free = [];
  }

  schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    const { element, geometry: g } = this;
    const { first, last } = seenRows(g, element.scrollTop, MARGIN);
    for (const [number, row] of this.rows) {
      if (number >= first && number < last) continue;
      this.rows.delete(number);
      this.free.push(row);
    }
    const offset = offsetAt(g, element.scrollTop) - element.scrollTop;
    for (let number = first; number < last; number++) {
      const row = this.rows.get(number) ?? this.takeRow(number);
      row.element.style.transform = `translateY(${number * g.pitch - offset}px)`;
      row.tiles.forEach((tile, column) => tile.draw(number * g.columns + column, this.store, this.session.thumbnails));
    }
    for (const row of this.free) row.element.hidden = true;
    this.pointToFocus();
    this.askSoon();
  }

  /** @param {number} number @returns {Row} */
  takeRow(number) {
    let row = this.free.pop();
    if (!row) {
      const stem = `${this.name}-${this.rows.size}-${Math.random().toString(36).slice(2, 6)}`;
      const tiles = Array.from({ length: this.geometry.columns }, (_, column) => new Tile(`${stem}-${column}`));
      const element = h("div", { className: "pxw-row", role: "row" }, ...tiles.map((tile) => tile.element));
      this.spacer.append(element);
      row = { element, tiles };
    }
    row.element.hidden = false;
    row.element.setAttribute("aria-rowindex", String(number + 1));
    row.tiles.forEach((tile, column) => tile.element.setAttribute("aria-colindex", String(column + 1)));
    this.rows.set(number, row);
    return row;
  }

  pointToFocus() {
    const index = this.store.selection.focus;
    const row = this.rows.get(Math.floor(index / this.geometry.columns));
    const tile = index >= 0 ? row?.tiles[index % this.geometry.columns] : undefined;
    if (tile) this.element.setAttribute("aria-activedescendant", tile.element.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  askSoon() {
    if (this.askTimer === null) this.askTimer = setTimeout(() => this.ask(), this.rows.size ? ASK_PAUSE : 0);
  }

  ask() {
    this.askTimer = null;
    const { columns } = this.geometry;
    const { visible, table } = this.store;
    const { first, last } = seenRows(this.geometry, this.element.scrollTop, 0);
    const ids = [];
    const until = Math.min(visible.length, (last + 1) * columns);
    for (let index = first * columns; index < until; index++) ids.push(table.columns.ids[visible[index]]);
    this.session.thumbnails.want(ids, sizeFor(this.geometry.tile, globalThis.devicePixelRatio || 1));
  }

  /** The index of the image under a point of the page, or -1. @param {EventTarget | null} target */
  indexAt(target) {
    const element = target instanceof Element ? target.closest(".pxw-tile") : null;
    if (!element) return -1;
    for (const row of this.rows.values()) {
      for (const tile of row.tiles) if (tile.element === element) return tile.index;
    }
    return -1;
  }

  /** The element of an image that is seen. @param {number} index */
  elementAt(index) {
    return this.rows.get(Math.floor(index / this.geometry.columns))?.tiles[index % this.geometry.columns]?.element;
  }

  /** Bring an image into view. @param {number} index */
  reveal(index) {
    if (index < 0) return;
    this.element.scrollTop = scrollToIndex(this.geometry, this.element.scrollTop, index);
    this.schedule();
  }

  /** Images from one page to the next. */
  get page() {
    return Math.max(1, Math.floor(this.geometry.height / this.geometry.pitch)) * this.geometry.columns;
  }

  close() {
    this.unsubscribe();
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.askTimer);
  }
}
