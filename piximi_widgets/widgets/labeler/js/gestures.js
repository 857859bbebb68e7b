// Keys and pointer on the grid, turned into selection and commands.
import { openMenu } from "./menu.js";
import { keyOf, strokeOf } from "./shortcuts.js";

/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {import("./commands.js").Commands} Commands */
/** @typedef {import("./store.js").Store} Store */

export class Gestures {
  /**
   * @param {{ root: HTMLElement, grid: Grid, commands: Commands, store: Store, help: () => void }} parts
   */
  constructor({ root, grid, commands, store, help }) {
    this.root = root;
    this.grid = grid;
    this.commands = commands;
    this.store = store;
    this.help = help;
    grid.element.addEventListener("pointerdown", (event) => this.press(event));
    grid.element.addEventListener("contextmenu", (event) => this.contextMenu(event));
  }

  selected() {
    this.store.emit("selection");
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0) return;
    const index = this.grid.indexAt(event.target);
    if (index < 0) {
      // A press beside the pictures clears, one on the scroll bar does not.
      if (event.target === this.grid.element && event.offsetX > this.grid.element.clientWidth) return;
      if (this.store.selection.size && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
        this.store.selection.clear();
        this.selected();
      }
      return;
    }
    if (event.shiftKey) event.preventDefault();
    this.grid.element.focus({ preventScroll: true });
    this.store.selection.pick(index, { toggle: event.ctrlKey || event.metaKey, extend: event.shiftKey });
    this.selected();
  }

  /** @param {MouseEvent} event */
  contextMenu(event) {
    const index = this.grid.indexAt(event.target);
    if (index < 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.grid.element.focus({ preventScroll: true });
    const { selection } = this.store;
    if (!selection.ids.has(selection.order[index])) {
      selection.pick(index);
      this.selected();
    }
    this.openMenu({ left: event.clientX, top: event.clientY });
  }

  /** The menu of the selected images. @param {{ left: number, top: number, bottom?: number }} at */
  openMenu(at) {
    const { commands, store } = this;
    const items = store.categories.map((category, index) => ({
      label: category.name, color: category.color, hint: keyOf(index), run: () => commands.label(category),
    }));
    openMenu(
      this.root,
      at,
      [
        ...items,
        { label: "Remove the label", hint: "U", divided: items.length > 0, run: () => commands.unlabel() },
        { label: "Exclude or include", hint: "Del", run: () => commands.toggleExcluded() },
      ],
      "Label the selected images",
    );
  }

  /**
   * A key on the grid, or anywhere in the widget where it is not text.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const stroke = strokeOf(event);
    if (!stroke) return;
    const { selection } = this.store;
    const { columns } = this.grid.geometry;
    const onGrid = document.activeElement === this.grid.element;
    /** @type {Record<string, () => number>} */
    const targets = {
      left: () => selection.focus - 1,
      right: () => selection.focus + 1,
      up: () => (selection.focus >= columns ? selection.focus - columns : selection.focus),
      down: () => Math.min(selection.focus + columns, selection.order.length - 1),
      home: () => 0,
      end: () => selection.order.length - 1,
      pageUp: () => selection.focus - this.grid.page,
      pageDown: () => selection.focus + this.grid.page,
    };
    const target = targets[stroke.command];
    if (target) {
      if (!onGrid) return;
      event.preventDefault();
      // The first arrow selects the image that has the focus, rather than its neighbour.
      const first = !selection.size && selection.anchor < 0 && /left|right|up|down/.test(stroke.command);
      selection.move(first ? selection.focus : target(), stroke);
      this.selected();
      this.grid.reveal(selection.focus);
      return;
    }
    if (this.run(stroke, onGrid)) event.preventDefault();
  }

  /**
   * @param {import("./shortcuts.js").Stroke} stroke
   * @param {boolean} onGrid
   * @returns {boolean} whether the key was ours
   */
  run(stroke, onGrid) {
    const { commands } = this;
    const { selection } = this.store;
    switch (stroke.command) {
      case "label":
        commands.labelByIndex(stroke.index ?? 0);
        return true;
      case "unlabel":
        commands.unlabel();
        return true;
      case "undo":
        commands.undo();
        return true;
      case "redo":
        commands.redo();
        return true;
      case "help":
        this.help();
        return true;
      case "save":
        this.store.announce("Labels are saved as you make them. Click beside the images to save the notebook.");
        return true;
      case "selectAll":
        selection.all();
        this.selected();
        return true;
      case "escape":
        selection.clear();
        this.selected();
        return true;
    }
    if (!onGrid) return false;
    switch (stroke.command) {
      case "exclude":
        commands.toggleExcluded();
        return true;
      case "toggle":
        selection.pick(selection.focus, { toggle: true });
        this.selected();
        return true;
      case "pick":
        selection.pick(selection.focus);
        this.selected();
        return true;
      case "menu": {
        const box = this.grid.elementAt(selection.focus)?.getBoundingClientRect();
        if (box && selection.size) this.openMenu(box);
        return true;
      }
    }
    return false;
  }
}
