// The categories as a list for mouse and keyboard: drawn in place, so that a press outlives what the kernel says meanwhile.
import { trainable, trainingWarning } from "./category_counts.js";
import { CategoryRow } from "./category_row.js";
import { h, uniqueId } from "../controls/dom.js";
import { dragToReorder } from "./reorder.js";
import { keysFor } from "../shortcuts.js";

/** @typedef {import("../types.js").Category} Category */
/** @typedef {import("../controls/floating.js").Place} Place */

/** Stands for the images without a label. @type {Category} */
const UNLABELED = { id: 0, name: "Unlabeled", color: "", key: "" };
const UNLABEL_KEY = "u";

export class CategoryList {
  /**
   * @param {{ store: import("../state/store.js").Store, commands: import("../commands.js").Commands,
   *           categoryCommands: import("./category_commands.js").CategoryCommands }} parts
   * @param {{ menu: (category: Category, at: Place) => void } & Record<"recolor" | "rename" | "remove", (category: Category) => void>} open
   *   what a key or a press opens
   */
  constructor({ store, commands, categoryCommands }, open) {
    this.store = store;
    this.commands = commands;
    this.categoryCommands = categoryCommands;
    this.open = open;
    /** Where the arrows are: a category, or its place once it has gone; null before the list is used. @type {number | null} */
    this.active = null;
    this.activeIndex = 0;
    /** @type {Map<number, CategoryRow>} */
    this.lines = new Map();
    this.trainable = trainable(store);
    this.list = h("div", {
      className: "pxw-categories", role: "listbox", tabIndex: 0, "aria-label": "Categories. Enter gives the category to the selected images.",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      // The mouse leaves the focus on the images, so that arrows go on from there.
      onmousedown: (/** @type {Event} */ event) => event.preventDefault(),
      onclick: (/** @type {MouseEvent} */ event) => this.click(event),
      oncontextmenu: (/** @type {MouseEvent} */ event) => this.contextMenu(event),
    });
    const line = h("div", { className: "pxw-drop-line" });
    this.drag = dragToReorder(this.list, line, {
      rowAt: (target) => {
        const category = this.categoryAt(target);
        return category?.id && !this.store.readOnly ? this.lineOf(category).element : null;
      },
      rows: () => this.store.categories.map((each) => this.lineOf(each).element),
      drop: (row, place) => {
        const category = this.categoryAt(row);
        if (category) this.categoryCommands.moveCategory(category, place);
      },
    });
    this.element = h("div", { className: "pxw-category-list" }, this.list, line);
    this.draw();
  }

  /** Count anew what the whole project has. */
  recount() {
    this.trainable = trainable(this.store);
    this.draw();
  }

  get rows() {
    return [...this.store.categories, UNLABELED];
  }

  draw() {
    const { store, rows } = this;
    const keys = keysFor(store.categories);
    const common = this.common();
    const at = rows.findIndex((each) => each.id === this.active);
    this.activeIndex = at >= 0 ? at : Math.min(this.activeIndex, rows.length - 1);
    if (this.active !== null) this.active = rows[this.activeIndex].id;
    const { partitions } = store.preferences;
    for (const category of rows) {
      const { id } = category;
      this.lineOf(category).update({
        category,
        count: store.counts.get(id) ?? 0,
        partitions: partitions ? (store.partitionCounts.get(id) ?? [0, 0, 0, 0]) : null,
        key: id ? (keys.get(id) ?? "") : UNLABEL_KEY,
        warning: id && this.trainable ? trainingWarning(this.trainable.get(id) ?? 0) : null,
        editable: !store.readOnly,
        active: category === rows[this.activeIndex],
        filtered: this.categoryCommands.inFilter(category),
        alone: this.categoryCommands.showsOnly(category),
        common: id === common,
      });
    }
    const elements = rows.map((each) => this.lineOf(each).element);
    if (elements.length !== this.list.children.length || elements.some((each, index) => each !== this.list.children[index])) {
      const ids = new Set(rows.map((each) => each.id));
      for (const id of this.lines.keys()) if (!ids.has(id)) this.lines.delete(id);
      const { scrollTop } = this.list;
      this.list.replaceChildren(...elements);
      this.list.scrollTop = scrollTop;
    }
    this.list.setAttribute("aria-activedescendant", elements[this.activeIndex].id);
  }

  /** @param {Category} category */
  lineOf(category) {
    let line = this.lines.get(category.id);
    if (!line) this.lines.set(category.id, (line = new CategoryRow(uniqueId("category"))));
    return line;
  }

  /** The category that all images have to which a label would go; null when they differ, or there are none. */
  common() {
    const { category, selection, table, visible } = this.store;
    const { viewing } = this.commands;
    if (viewing !== null) return category[table.rowOf(viewing)] ?? null;
    /** @type {number | null} */
    let found = null;
    for (let index = 0; selection.size && index < visible.length; index++) {
      if (!selection.has(index)) continue;
      const id = category[visible[index]];
      if (found !== null && found !== id) return null;
      found = id;
    }
    return found;
  }

  /** The category of a row, or of something in it. @param {EventTarget | null} target */
  categoryAt(target) {
    return this.rows.find((each) => this.lineOf(each).element.contains(/** @type {Node} */ (target))) ?? null;
  }

  /** @param {MouseEvent} event */
  click(event) {
    const category = this.categoryAt(event.target);
    if (!category || !this.drag.clicked()) return;
    const { swatch, only, more } = this.lineOf(category);
    const on = (/** @type {HTMLElement} */ part) => part.contains(/** @type {Node} */ (event.target));
    this.activate(category);
    if (on(more)) this.open.menu(category, more.getBoundingClientRect());
    else if (on(only) || event.altKey) this.categoryCommands.toggleShown(category);
    else if (on(swatch) && category.id && !this.store.readOnly) this.open.recolor(category);
    else this.apply(category);
  }

  /** @param {MouseEvent} event */
  contextMenu(event) {
    const category = this.categoryAt(event.target);
    if (!category) return;
    event.preventDefault();
    event.stopPropagation();
    this.activate(category);
    this.open.menu(category, { left: event.clientX, top: event.clientY });
  }

  /** @param {Category} category */
  apply(category) {
    if (category.id === 0) this.commands.unlabel();
    else this.commands.label(category);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey) return;
    const { rows } = this;
    const category = rows[this.activeIndex];
    const own = category.id !== 0 && !this.store.readOnly;
    /** @type {Record<string, () => void>} */
    const moves = { ArrowUp: () => this.move(category, -1), ArrowDown: () => this.move(category, 1) };
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowDown: () => this.activate(rows[this.activeIndex + 1]),
      ArrowUp: () => this.activate(rows[this.activeIndex - 1]),
      Home: () => this.activate(rows[0]),
      End: () => this.activate(rows[rows.length - 1]),
      Enter: () => this.apply(category),
      " ": () => this.apply(category),
      F2: () => own && this.open.rename(category),
      Delete: () => own && this.open.remove(category),
      ContextMenu: () => this.open.menu(category, this.lineOf(category).element.getBoundingClientRect()),
    };
    const action = event.altKey ? own && moves[event.key] : event.key === "F10" && event.shiftKey ? actions.ContextMenu : actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  /** @param {Category | undefined} category */
  activate(category) {
    if (!category) return;
    this.active = category.id;
    this.draw();
    this.lineOf(category).element.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {Category} category
   * @param {number} step
   */
  move(category, step) {
    const place = this.store.categories.findIndex((each) => each.id === category.id) + step;
    if (place < 0 || place >= this.store.categories.length) return;
    this.categoryCommands.moveCategory(category, place);
    this.activate(category);
  }

  /** The colour of a category, to which what changes it belongs. @param {Category} category */
  swatchOf(category) {
    return this.lineOf(category).swatch;
  }

  close() {
    this.drag.close();
  }
}
