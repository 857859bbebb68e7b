// The side of the categories: their list, and the menu, the forms and the palette that change them.
import { COLUMNS } from "./category_counts.js";
import { CategoryList } from "./category_list.js";
import { categoryMenu } from "./category_menu.js";
import { h, icon } from "../controls/dom.js";
import { confirmRemoval, keyField, mergeForm, nameField } from "./editing.js";
import { dismiss, isOpen } from "../controls/floating.js";
import { openMenu } from "../controls/menu.js";
import { palette } from "./palette.js";
import { openPopover } from "../controls/popover.js";
import { keysFor } from "../shortcuts.js";
import { PARTITIONS } from "../types.js";

/** @typedef {import("../types.js").Category} Category */

export class Panel {
  /**
   * @param {{ root: HTMLElement, session: import("../kernel/session.js").Session, commands: import("../commands.js").Commands,
   *           categoryCommands: import("./category_commands.js").CategoryCommands }} parts
   */
  constructor({ root, session, commands, categoryCommands }) {
    this.root = root;
    this.store = session.store;
    this.commands = commands;
    this.categoryCommands = categoryCommands;
    this.list = new CategoryList({ store: this.store, commands, categoryCommands }, {
      menu: (category, at) => this.menu(category, at),
      recolor: (category) => this.recolor(category),
      rename: (category) => this.startRenaming(category),
      remove: (category) => this.startRemoving(category),
    });
    this.title = h("h3", { className: "pxw-heading" });
    this.split = h(
      "button",
      {
        type: "button", className: "pxw-split", title: "Count the images of each partition",
        onclick: () => this.store.setPreference("partitions", !this.store.preferences.partitions),
        onmousedown: (/** @type {Event} */ event) => event.preventDefault(),
      },
      "By partition",
    );
    this.legend = h(
      "div",
      { className: "pxw-partitions pxw-legend", "aria-hidden": "true" },
      ...COLUMNS.map(([name, partition]) => h("span", { title: PARTITIONS[partition] }, name)),
    );
    /** Holds a form below the list. */
    this.editor = h("div", { className: "pxw-editor" });
    this.add = h("button", { type: "button", className: "pxw-add", onclick: () => this.startAdding() }, icon("plus"), "Add category");
    this.element = h(
      "section",
      { className: "pxw-panel", "aria-label": "Categories" },
      h("header", { className: "pxw-panel-head" }, this.title, this.split),
      this.legend,
      this.list.element,
      this.editor,
      this.add,
    );
    this.unsubscribe = this.store.subscribe((change) => {
      if (change === "data" || change === "preferences") this.list.recount();
      else if (change === "filter" || change === "selection" || change === "viewing") this.list.draw();
      if (change === "data" || change === "preferences") this.draw();
    });
    this.draw();
  }

  draw() {
    const { readOnly, preferences } = this.store;
    this.title.textContent = readOnly ? "Categories (read only)" : "Categories";
    this.title.title = readOnly ? "This project is open for reading only." : "";
    this.split.setAttribute("aria-pressed", String(preferences.partitions));
    this.legend.hidden = !preferences.partitions;
    this.add.hidden = readOnly || this.editor.hasChildNodes();
  }

  /**
   * @param {Category} category
   * @param {import("../controls/floating.js").Place} at
   */
  menu(category, at) {
    const { categories, readOnly } = this.store;
    const state = {
      index: categories.findIndex((each) => each.id === category.id),
      count: categories.length,
      key: keysFor(categories).get(category.id) ?? "",
      alone: this.categoryCommands.showsOnly(category),
      editable: !readOnly,
    };
    const items = categoryMenu(category, state, {
      show: () => this.categoryCommands.toggleShown(category),
      select: () => this.commands.selectCategory(category.id),
      rename: () => this.startRenaming(category),
      recolor: () => this.recolor(category),
      key: () => this.startKeying(category),
      up: () => this.list.move(category, -1),
      down: () => this.list.move(category, 1),
      merge: () => this.startMerging(category),
      remove: () => this.startRemoving(category),
    });
    openMenu(this.root, at, items, category.name);
  }

  /** @param {Category} category */
  recolor(category) {
    const swatch = this.list.swatchOf(category);
    if (isOpen(swatch)) return dismiss(this.root);
    const content = palette(category, this.others(category), (color) => {
      close();
      this.categoryCommands.recolorCategory(category, color);
    });
    const close = openPopover(this.root, swatch, content, `Colour of ${category.name}`);
  }

  /** @param {Category} category */
  others(category) {
    return this.store.categories.filter((each) => each.id !== category.id);
  }

  startAdding() {
    this.edit(
      nameField({
        label: "Name of the new category", value: "", action: "Add",
        problem: (name) => this.categoryCommands.nameProblem(name),
        // The form stays: a new project needs several categories.
        done: (name) => {
          this.categoryCommands.addCategory(name);
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
        problem: (name) => this.categoryCommands.nameProblem(name, category),
        ...this.answers((/** @type {string} */ name) => this.categoryCommands.renameCategory(category, name)),
      }),
      category,
    );
  }

  /** @param {Category} category */
  startKeying(category) {
    const { categories } = this.store;
    const present = keysFor(categories).get(category.id) ?? "";
    const answers = this.answers((/** @type {string} */ key) => this.categoryCommands.setKey(category, key));
    this.edit(keyField(categories, category, present, answers), category);
  }

  /** @param {Category} category */
  startMerging(category) {
    const answers = this.answers((/** @type {Category} */ into) => this.categoryCommands.mergeCategory(category, into));
    this.edit(mergeForm(category, this.others(category), this.categoryCommands.labeledWith(category), answers), category);
  }

  /** @param {Category} category */
  startRemoving(category) {
    const answers = this.answers((/** @type {Category | null} */ moveTo) => this.categoryCommands.removeCategory(category, moveTo));
    this.edit(confirmRemoval(category, this.others(category), this.categoryCommands.labeledWith(category), answers), category);
  }

  /**
   * The two ways out of a form, back to the list.
   * @template T
   * @param {(answer: T) => void} run
   */
  answers(run) {
    const leave = () => this.stopEditing(this.list.list);
    const done = (/** @type {T} */ answer) => {
      leave();
      run(answer);
    };
    return { done, leave };
  }

  /**
   * @param {HTMLElement} form
   * @param {Category} [category]   that it is about
   */
  edit(form, category) {
    this.add.hidden = true;
    this.editor.replaceChildren(form);
    this.element.classList.add("pxw-editing");
    this.list.activate(category);
    const field = /** @type {HTMLElement | null} */ (form.querySelector("input, select") ?? form.querySelector("button"));
    field?.focus();
    if (field instanceof HTMLInputElement) field.select();
  }

  /** @param {HTMLElement} next   what gets the focus */
  stopEditing(next) {
    this.editor.replaceChildren();
    this.element.classList.remove("pxw-editing");
    this.add.hidden = this.store.readOnly;
    next.focus({ preventScroll: true });
  }

  close() {
    this.list.close();
    this.unsubscribe();
  }
}
