// The rows of tiles that exist: those that are seen and a few more, which are given other images when the grid scrolls.
import { h, uniqueId } from "../controls/dom.js";
import { Tile } from "./tile.js";

/** @typedef {import("../kernel/session.js").Session} Session */
/** @typedef {{ element: HTMLElement, tiles: Tile[], drawn: number }} Row */

export class Rows {
  /**
   * @param {Session} session
   * @param {HTMLElement} parent
   */
  constructor(session, parent) {
    this.session = session;
    this.store = session.store;
    this.parent = parent;
    this.name = uniqueId("tile");
    this.made = 0;
    this.columns = 0;
    /** @type {Map<number, Row>} */
    this.used = new Map();
    /** @type {Row[]} */
    this.free = [];
    /** Counts what happens to images; scrolling draws only the rows that it brings. */
    this.version = 1;
  }

  /** Something has happened to images: all rows are drawn anew. */
  changed() {
    this.version += 1;
  }

  /** @param {number} columns */
  setColumns(columns) {
    if (columns === this.columns) return;
    this.columns = columns;
    for (const row of [...this.used.values(), ...this.free]) row.element.remove();
    this.used.clear();
    this.free = [];
  }

  /**
   * @param {number} first
   * @param {number} last    exclusive
   * @param {number} pitch   from one row's top to the next
   * @param {number} shift   how much higher rows lie than their number says
   */
  draw(first, last, pitch, shift) {
    const { store, columns } = this;
    for (const [number, row] of this.used) {
      if (number >= first && number < last) continue;
      this.used.delete(number);
      this.free.push(row);
    }
    const paint = store.categories.map(({ id, name, color }) => `${id} ${name} ${color}`).join("\t");
    for (let number = first; number < last; number++) {
      const row = this.used.get(number) ?? this.take(number);
      row.element.style.transform = `translateY(${number * pitch - shift}px)`;
      if (row.drawn === this.version) continue;
      row.drawn = this.version;
      row.tiles.forEach((tile, column) => tile.draw(number * columns + column, store, this.session.thumbnails, paint));
    }
    for (const row of this.free) row.element.hidden = true;
  }

  /** @param {number} number @returns {Row} */
  take(number) {
    let row = this.free.pop();
    if (!row) {
      const stem = `${this.name}-${(this.made += 1)}`;
      const tiles = Array.from({ length: this.columns }, (_, column) => new Tile(`${stem}-${column}`));
      const element = h("div", { className: "pxw-row", role: "row" }, ...tiles.map((tile) => tile.element));
      tiles.forEach((tile, column) => tile.element.setAttribute("aria-colindex", String(column + 1)));
      this.parent.append(element);
      row = { element, tiles, drawn: 0 };
    }
    row.drawn = 0;
    row.element.hidden = false;
    row.element.setAttribute("aria-rowindex", String(number + 1));
    this.used.set(number, row);
    return row;
  }

  /** The index of the image whose tile this is part of, or -1. @param {EventTarget | null} target */
  indexAt(target) {
    const element = target instanceof Element ? target.closest(".pxw-tile") : null;
    if (!element) return -1;
    for (const row of this.used.values()) {
      for (const tile of row.tiles) if (tile.element === element) return tile.index;
    }
    return -1;
  }

  /** The element of an image that is seen. @param {number} index */
  elementAt(index) {
    return index < 0 ? undefined : this.used.get(Math.floor(index / this.columns))?.tiles[index % this.columns]?.element;
  }
}
