// The filter as chips: one for each clause, to edit again or to take away.
import { counted } from "../commands.js";
import { h, icon } from "../controls/dom.js";
import { describeClause } from "./wording.js";

/** @typedef {import("../types.js").Clause} Clause */
/** @typedef {import("../kernel/session.js").Session} Session */
/** @typedef {import("./finding.js").Finding} Finding */

/**
 * @typedef {object} Chip
 * @property {HTMLElement} element
 * @property {HTMLButtonElement} text
 * @property {HTMLElement} swatch
 * @property {HTMLElement} words
 * @property {HTMLButtonElement} cross
 * @property {number} index   of the clause in the filter
 */

export class Chips {
  /**
   * @param {{ session: Session, finding: Finding, changed: () => void }} parts   changed: buttons came or went
   */
  constructor({ session, finding, changed }) {
    this.session = session;
    this.store = session.store;
    this.finding = finding;
    this.changed = changed;
    /** By what they are about, so that a chip stays the same button while its clause is edited. @type {Map<string, Chip>} */
    this.chips = new Map();
    this.chosenText = h("span", { className: "pxw-chip-words" });
    this.chosen = h(
      "div",
      { className: "pxw-chip pxw-chosen" },
      this.chosenText,
      h("button", { type: "button", className: "pxw-showall", onclick: () => session.sharing.showAll() }, "Show all"),
    );
    this.clear = h("button", { type: "button", className: "pxw-clear-all", onclick: () => this.clearAll() }, "Clear all");
    this.count = h("span", { className: "pxw-shown" });
    this.element = h("div", { className: "pxw-chips", role: "group", "aria-label": "Filters" });
    this.draw();
  }

  draw() {
    const { store } = this;
    /** @type {Map<string, Chip>} */
    const chips = new Map();
    store.filter.forEach((clause, index) => {
      let key = "query" in clause ? `? ${clause.query}` : clause.field;
      while (chips.has(key)) key += " again";
      const chip = this.chips.get(key) ?? this.make();
      chip.index = index;
      this.fill(chip, clause);
      chips.set(key, chip);
    });
    this.chips = chips;
    if (store.shown) {
      const text = `${store.title || "Chosen images"} · ${counted(store.scope.length)}`;
      this.chosenText.textContent = this.chosenText.title = text;
    }
    const several = store.filter.length > 1;
    const [visible, total] = [store.visible, store.scope].map((rows) => rows.length.toLocaleString("en"));
    this.count.textContent = store.incomplete ? "Loading…" : `${visible} of ${total} shown`;
    const parts = [
      ...(store.shown ? [this.chosen] : []),
      ...[...chips.values()].map((chip) => chip.element),
      ...(several ? [this.clear] : []),
      ...(store.filter.length ? [this.count] : []),
    ];
    // An element that is put in anew loses the focus.
    const same = parts.length === this.element.children.length && parts.every((part, at) => part === this.element.children[at]);
    if (!same) {
      this.element.replaceChildren(...parts);
      this.changed();
    }
    this.element.hidden = !parts.length;
  }

  /** @returns {Chip} */
  make() {
    const swatch = h("span", { className: "pxw-swatch" });
    const words = h("span", { className: "pxw-chip-words" });
    const text = h(
      "button",
      { type: "button", className: "pxw-chip-edit", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.edit(chip) },
      swatch,
      words,
    );
    const cross = h("button", { type: "button", className: "pxw-clear", onclick: () => this.remove(chip) }, icon("cross"));
    const element = h(
      "div",
      {
        className: "pxw-chip",
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          if (event.key !== "Backspace" && event.key !== "Delete") return;
          // The same keys refuse a prediction and exclude an image.
          event.preventDefault();
          event.stopPropagation();
          this.remove(chip);
        },
      },
      text,
      cross,
    );
    const chip = { element, text, swatch, words, cross, index: 0 };
    return chip;
  }

  /**
   * @param {Chip} chip
   * @param {Clause} clause
   */
  fill({ text, swatch, words, cross }, clause) {
    const { store } = this;
    const description = describeClause(clause, store.categories, store.fields);
    const color = colorOf(clause, store.categories);
    swatch.hidden = !color;
    swatch.style.setProperty("--pxw-category", color);
    if (words.textContent === description) return;
    words.textContent = text.title = description;
    cross.setAttribute("aria-label", `Remove the filter: ${description}`);
    cross.title = "Remove the filter (Delete)";
  }

  /** @param {Chip} chip */
  edit(chip) {
    const clause = this.store.filter[chip.index];
    if ("query" in clause) this.finding.openQuery(clause.query, chip.text);
    else this.finding.open(clause.field, chip.text);
  }

  /** @param {Chip} chip */
  remove(chip) {
    const held = chip.element.contains(document.activeElement);
    this.store.removeClause(chip.index);
    if (!held) return;
    const next = [...this.chips.values()].find((each) => each.index >= chip.index) ?? [...this.chips.values()].at(-1);
    (next?.text ?? this.finding.element).focus({ preventScroll: true });
  }

  clearAll() {
    const held = this.element.contains(document.activeElement);
    this.store.setFilter([]);
    if (held) this.finding.element.focus({ preventScroll: true });
  }
}

/**
 * The colour of the one category that a clause is about, or "".
 * @param {Clause} clause
 * @param {import("../types.js").Category[]} categories
 */
function colorOf(clause, categories) {
  if (!("values" in clause) || clause.values.length !== 1 || !["category", "prediction"].includes(clause.field)) return "";
  return categories.find((each) => each.name === clause.values[0])?.color ?? "";
}
