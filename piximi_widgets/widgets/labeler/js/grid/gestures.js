// Keys and pointer on the grid, turned into selection and commands.
import { counted, runLabelingKey } from "../commands.js";
import { movedIndex } from "./layout.js";
import { Marquee } from "./marquee.js";
import { openMenu } from "../controls/menu.js";
import { faceOf, facesOf, isApple, isHeldTooLong, keysFor, MOVES, strokeOf } from "../shortcuts.js";

/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {import("../commands.js").Commands} Commands */
/** @typedef {import("../shortcuts.js").Stroke} Stroke */
/** @typedef {import("../state/store.js").Store} Store */
/** @typedef {import("../controls/menu.js").Item} Item */

/** Keys that buttons and lists use for themselves: they are ours while the images have the focus. */
const ON_GRID = new Set([...MOVES, "accept", "refuse", "exclude", "toggle", "menu"]);

export class Gestures {
  /**
   * @param {{ root: HTMLElement, grid: Grid, commands: Commands, store: Store, help: () => void, view: () => void }} parts
   */
  constructor({ root, grid, commands, store, help, view }) {
    this.root = root;
    this.grid = grid;
    this.commands = commands;
    this.store = store;
    this.help = help;
    this.view = view;
    this.apple = isApple(navigator.platform);
    this.marquee = new Marquee(grid, store);
    this.touched = false;
    commands.moved = (index) => grid.reveal(index);
    const { element } = grid;
    element.addEventListener("pointerdown", (event) => this.press(event));
    element.addEventListener("click", (event) => this.tap(event));
    element.addEventListener("dblclick", (event) => this.doublePress(event));
    element.addEventListener("contextmenu", (event) => this.contextMenu(event));
  }

  selected() {
    this.store.emit("selection");
  }

  // -- pointer ---------------------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  press(event) {
    this.touched = event.pointerType === "touch";
    // A finger that comes down may be about to scroll: it selects when it has only tapped. Apple's Ctrl-click opens the menu.
    if (event.button !== 0 || this.touched || (this.apple && event.ctrlKey)) return;
    const { selection } = this.store;
    const before = selection.snapshot();
    const toggle = event.ctrlKey || event.metaKey;
    const index = this.grid.rows.indexAt(event.target);
    if (event.shiftKey) event.preventDefault();
    this.grid.element.focus({ preventScroll: true });
    if (index >= 0) selection.pick(index, { toggle, extend: event.shiftKey });
    else if (!toggle && !event.shiftKey) selection.clear();
    if (index >= 0 || selection.size !== before.ids.length) this.selected();
    this.marquee.press(event, before, toggle || event.shiftKey);
  }

  /** @param {MouseEvent} event */
  tap(event) {
    if (!this.touched) return;
    const { selection } = this.store;
    const index = this.grid.rows.indexAt(event.target);
    this.grid.element.focus({ preventScroll: true });
    if (index >= 0) selection.pick(index);
    else selection.clear();
    this.selected();
  }

  /** @param {MouseEvent} event */
  doublePress(event) {
    const changed = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!changed && this.grid.rows.indexAt(event.target) >= 0) this.view();
  }

  /** @param {MouseEvent} event */
  contextMenu(event) {
    const index = this.grid.rows.indexAt(event.target);
    if (index < 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.marquee.end();
    this.grid.element.focus({ preventScroll: true });
    const { selection } = this.store;
    if (selection.has(index)) selection.move(index, { only: true });
    else selection.pick(index);
    this.selected();
    this.openMenu({ left: event.clientX, top: event.clientY });
  }

  /** The menu of the selected images. @param {{ left: number, top: number, bottom?: number }} at */
  openMenu(at) {
    openMenu(this.root, at, this.menuItems(), `${counted(this.store.selection.size)} selected`);
  }

  /** @returns {Item[]} */
  menuItems() {
    const { commands, store } = this;
    const { selection } = store;
    const rows = Array.from(selection.list(), (id) => store.table.rowOf(id));
    const keys = keysFor(store.categories);
    const disabled = store.readOnly;
    const hint = (/** @type {string} */ command) => facesOf(command, this.apple).join(this.apple ? "" : "+");
    const categories = store.categories.map((category, index) => ({
      label: category.name, color: category.color, hint: faceOf(keys.get(category.id) ?? "", this.apple), disabled, divided: index === 0,
      run: () => commands.label(category),
    }));
    const predicted = rows.filter((row) => store.prediction[row]);
    const guess = predicted.length === 1 ? store.categoryOf(store.prediction[predicted[0]]) : null;
    const percent = Math.round(store.table.columns.confidence[predicted[0]] * 100);
    const what = guess ? `${guess.name} (${percent}%)` : counted(predicted.length, "prediction");
    const predictions = [
      { label: `Accept ${what}`, color: guess?.color, hint: hint("accept"), disabled, divided: true, run: () => commands.accept() },
      { label: `Refuse ${what}`, hint: hint("refuse"), disabled, run: () => commands.refuse() },
    ];
    const focused = store.category[store.visible[selection.focus]] ?? 0;
    const alike = store.categoryOf(focused)?.name;
    const all = (/** @type {Uint8Array} */ flag) => rows.every((row) => flag[row]);
    return [
      { label: "View", hint: hint("view"), run: () => this.view() },
      ...categories,
      ...(predicted.length ? predictions : []),
      { label: all(store.unsure) ? "Mark as sure" : "Mark as unsure", hint: hint("unsure"), disabled, divided: true, run: () => commands.toggleUnsure() },
      { label: "Remove the label", hint: hint("unlabel"), disabled, run: () => commands.unlabel() },
      { label: all(store.excluded) ? "Include again" : "Exclude from training", hint: hint("exclude"), disabled, run: () => commands.toggleExcluded() },
      { label: alike ? `Select all labeled ${alike}` : "Select all unlabeled", divided: true, run: () => commands.selectCategory(alike ? focused : 0) },
    ];
  }

  // -- keys ------------------------------------------------------------------------------------------

  /**
   * A key on the grid, or anywhere in the widget where it is not text.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const ours = event.key === "Escape" && this.marquee.cancel();
    const stroke = ours ? null : strokeOf(event);
    // On a button, Enter and Space are the button's, held or not.
    const held = stroke && isHeldTooLong(event, stroke) && !(event.target instanceof HTMLButtonElement);
    if (ours || held || (stroke && this.run(stroke))) event.preventDefault();
  }

  /**
   * @param {Stroke} stroke
   * @returns {boolean} whether the key was ours
   */
  run(stroke) {
    const { commands, grid } = this;
    const { selection } = this.store;
    if (ON_GRID.has(stroke.command) && document.activeElement !== grid.element) return false;
    if (MOVES.has(stroke.command)) {
      this.moveFocus(stroke);
      return true;
    }
    if (runLabelingKey(stroke, commands)) return true;
    /** @type {Record<string, () => void>} */
    const actions = {
      help: this.help,
      view: this.view,
      save: () => this.store.announce("Labels are saved as you make them. Click beside the images to save the notebook."),
      selectAll: () => commands.selectAll(),
      invert: () => commands.invert(),
      escape: () => {
        selection.clear();
        this.selected();
      },
      toggle: () => {
        selection.pick(selection.focus, { toggle: true });
        this.selected();
      },
      menu: () => this.keyMenu(),
      zoomIn: () => this.zoom(1),
      zoomOut: () => this.zoom(-1),
    };
    actions[stroke.command]?.();
    return stroke.command in actions;
  }

  /** @param {Stroke} stroke */
  moveFocus(stroke) {
    const { grid } = this;
    const { selection } = this.store;
    // The first arrow selects the image that has the focus, rather than its neighbour.
    const first = selection.anchor < 0 && /left|right|up|down/.test(stroke.command);
    selection.move(first ? selection.focus : movedIndex(grid.geometry, selection.focus, stroke.command), stroke);
    this.selected();
    grid.reveal(selection.focus);
  }

  keyMenu() {
    const { selection } = this.store;
    if (!selection.size) selection.pick(selection.focus);
    this.selected();
    this.grid.reveal(selection.focus);
    const box = (this.grid.rows.elementAt(selection.focus) ?? this.grid.element).getBoundingClientRect();
    if (selection.size) this.openMenu(box);
  }

  /** @param {number} by */
  zoom(by) {
    this.grid.zoom.step(by);
    const { columns } = this.grid.geometry;
    this.store.announce(columns === 1 ? "One image in a row." : `${columns} images in a row.`);
  }

  close() {
    this.marquee.end();
    this.commands.moved = () => {};
  }
}
