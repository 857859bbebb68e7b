// The list of categories: what there is, how much of it, and which key gives it.
import { categoryRow } from "./category_row.js";
import { h, icon, uniqueId } from "./dom.js";
import { confirmRemoval, nameField, pickColor } from "./editing.js";
import { openMenu } from "./menu.js";
import { keyOf } from "./shortcuts.js";

/** @typedef {import("./types.js").Category} Category */
/** @typedef {import("./commands.js").Commands} Commands */

/** Stands for the images without a label. @type {Category} */
const UNLABELED = { id: 0, name: "Unlabeled", color: "" };

export class Panel {
  /**
   * @param {HTMLElement} root
   * @param {Commands} commands
   */
  constructor(root, commands) {
    this.root = root;
    this.commands = commands;
    this.store = commands.store;
    this.stem = uniqueId("category");
    this.active = 0;
    this.state = "";
    this.list = h("div", {
      className: "pxw-categories", role: "listbox", tabIndex: 0, "aria-label": "Categories. Enter gives the category to the selected images.",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      // The mouse leaves the focus on the images, so that arrows go on from there.
      onmousedown: (/** @type {Event} */ event) => event.preventDefault(),
    });
    /** A form that stands in the place of a category's row, or below the list. */
    this.editor = h("div", { className: "pxw-editor" });
    this.add = h("button", { type: "button", className: "pxw-add", onclick: () => this.startAdding() }, icon("plus"), "Add category");
    this.element = h(
      "section",
      { className: "pxw-panel", "aria-label": "Categories" },
      h("h3", { className: "pxw-heading" }, "Categories"),
      this.list,
      this.editor,
      this.add,
    );
    this.unsubscribe = this.store.subscribe((change) => {
      if (change === "data" || change === "filter" || change === "selection") this.draw();
    });
    this.draw();
  }

  get rows() {
    return [...this.store.categories, UNLABELED];
  }

  draw() {
    const { store } = this;
    const only = store.selection.size ? this.common() : null;
    const state = JSON.stringify([store.categories, [...store.counts], store.filter.category, this.active, only, store.ready]);
    if (state === this.state) return;
    this.state = state;
    this.active = Math.min(this.active, this.rows.length - 1);
    this.list.replaceChildren(...this.rows.map((category, index) => this.row(category, index, only)));
    this.list.setAttribute("aria-activedescendant", `${this.stem}-${this.active}`);
  }

  /** The category that all selected images have, if there is one. */
  common() {
    const { store } = this;
    /** @type {number | null} */
    let found = null;
    for (const id of store.selection.ids) {
      const category = store.category[store.table.rowOf(id)];
      if (found !== null && found !== category) return null;
      found = category;
    }
    return found;
  }

  /**
   * @param {Category} category
   * @param {number} index
   * @param {number | null} only
   */
  row(category, index, only) {
    const count = this.store.counts.get(category.id) ?? 0;
    const unlabeled = category.id === 0;
    const hint = unlabeled ? "U" : keyOf(index);
    const filtered = this.store.filter.category === category.id;
    const { row, swatch, more } = categoryRow(category, {
      id: `${this.stem}-${index}`, count, hint, active: index === this.active, filtered, common: only === category.id,
    });
    row.onclick = (event) => {
      const target = /** @type {Node} */ (event.target);
      this.active = index;
      if (!unlabeled && swatch.contains(target)) this.recolor(category);
      else if (more.contains(target)) this.menu(category, more.getBoundingClientRect());
      else this.apply(category);
      this.draw();
    };
    row.ondblclick = (event) => {
      if (!unlabeled && !swatch.contains(/** @type {Node} */ (event.target))) this.startRenaming(category);
    };
    row.oncontextmenu = (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.active = index;
      this.draw();
      this.menu(category, { left: event.clientX, top: event.clientY });
    };
    return row;
  }

  /** @param {Category} category */
  apply(category) {
    if (category.id === 0) this.commands.unlabel();
    else this.commands.label(category);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const category = this.rows[this.active];
    const own = category.id !== 0;
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowDown: () => this.activate(this.active + 1),
      ArrowUp: () => this.activate(this.active - 1),
      Home: () => this.activate(0),
      End: () => this.activate(this.rows.length - 1),
      Enter: () => this.apply(category),
      " ": () => this.apply(category),
      F2: () => own && this.startRenaming(category),
      Delete: () => own && this.startRemoving(category),
      ContextMenu: () => this.menuOfActive(),
    };
    const action = event.key === "F10" && event.shiftKey ? () => this.menuOfActive() : actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  /** @param {number} index */
  activate(index) {
    this.active = Math.max(0, Math.min(index, this.rows.length - 1));
    this.draw();
    this.list.children[this.active]?.scrollIntoView({ block: "nearest" });
  }

  menuOfActive() {
    const row = this.list.children[this.active];
    if (row) this.menu(this.rows[this.active], row.getBoundingClientRect());
  }

  /**
   * @param {Category} category
   * @param {{ left: number, top: number, bottom?: number }} at
   */
  menu(category, at) {
    const filtered = this.store.filter.category === category.id;
    const filter = {
      label: filtered ? "Show all images" : "Show only these",
      run: () => this.commands.filterCategory(filtered ? undefined : category.id),
    };
    const own = [
      { label: "Rename…", hint: "F2", run: () => this.startRenaming(category) },
      { label: "Change colour…", run: () => this.recolor(category) },
      { label: "Delete…", hint: "Del", divided: true, run: () => this.startRemoving(category) },
    ];
    openMenu(this.root, at, category.id ? [filter, ...own] : [filter], category.name);
  }

  /** @param {Category} category */
  recolor(category) {
    const row = this.list.children[this.rows.findIndex((each) => each.id === category.id)];
    pickColor(/** @type {HTMLElement} */ (row), category, (color) => this.commands.recolorCategory(category, color));
  }

  startAdding() {
    this.edit(
      nameField({
        label: "Name of the new category", value: "", action: "Add",
        problem: (name) => this.commands.nameProblem(name),
        // The form stays: a new project needs several categories.
        done: (name) => {
          this.commands.addCategory(name);
          this.startAdding();
        },
        leave: () => this.stopEditing(this.add),
      }),
    );
  }

  /** @param {Category} category */
  startRenaming(category) {
    this.edit(
      nameField({
        label: `New name of ${category.name}`, value: category.name, action: "Rename",
        problem: (name) => this.commands.nameProblem(name, category),
        done: (name) => {
          this.stopEditing(this.list);
          this.commands.renameCategory(category, name);
        },
        leave: () => this.stopEditing(this.list),
      }),
    );
  }

  /** @param {Category} category */
  startRemoving(category) {
    const count = this.store.labeledWith(category.id);
    this.edit(
      confirmRemoval(category.name, count, {
        done: () => {
          this.stopEditing(this.list);
          this.commands.removeCategory(category);
        },
        leave: () => this.stopEditing(this.list),
      }),
    );
  }

  /** @param {HTMLElement} form */
  edit(form) {
    this.add.hidden = true;
    this.editor.replaceChildren(form);
    form.scrollIntoView({ block: "nearest" });
    const field = form.querySelector("input") ?? form.querySelector("button");
    field?.focus();
    if (field instanceof HTMLInputElement) field.select();
  }

  /** @param {HTMLElement} next   what gets the focus */
  stopEditing(next) {
    this.editor.replaceChildren();
    this.add.hidden = false;
    next.focus({ preventScroll: true });
  }

  close() {
    this.unsubscribe();
  }
}
