// A check list of the values of a field, with how many images each would show.
import { h } from "../controls/dom.js";
import { countValues, matching, offeredValues, rowsBeside, toggledClause } from "../state/facets.js";
import { nextIn } from "../controls/roving.js";
import { wordValue } from "./wording.js";

/** @typedef {import("../state/store.js").Store} Store */
/** @typedef {import("../state/fields.js").FieldData} FieldData */

/** More values than these, and letters narrow them down. */
const SEARCHED = 8;
/** More values than these, and letters filter by themselves. */
const LISTED = 200;
const TYPING_PAUSE = 200;

export class ValueList {
  /**
   * @param {Store} store
   * @param {string} field
   */
  constructor(store, field) {
    this.store = store;
    this.field = field;
    /** @type {Map<string | null, { input: HTMLInputElement, count: HTMLElement, row: HTMLElement }>} */
    this.rows = new Map();
    this.built = "";
    /** The last that was known, while it is asked for anew. */
    this.known = /** @type {{ values: string[], codes: Int32Array }} */ ({ values: [], codes: new Int32Array(0) });
    /** @type {any} */
    this.timer = null;
    const many = this.many;
    this.search = h("input", {
      className: "pxw-input", type: "text", autocomplete: "off", spellcheck: false, maxLength: 200,
      placeholder: many ? "Contains…" : "Search", "aria-label": many ? "Text in the value" : "Search the values",
      value: this.contained, hidden: this.data.values.length <= SEARCHED,
      oninput: () => this.type(),
    });
    this.list = h("div", {
      className: "pxw-values", role: "group", "aria-label": "Values",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
    });
    this.remark = h("p", { className: "pxw-remark" });
    this.element = h("div", { className: "pxw-value-list" }, this.search, this.list, this.remark);
    this.refresh();
  }

  get data() {
    const data = this.store.fieldData(this.field);
    if (data?.kind === "text") this.known = data;
    return this.known;
  }

  get many() {
    return this.data.values.length > LISTED;
  }

  get clause() {
    return this.store.filter.find((each) => "field" in each && each.field === this.field) ?? null;
  }

  /** @returns {(string | null)[]} */
  get ticked() {
    return this.clause && "values" in this.clause ? this.clause.values : [];
  }

  get contained() {
    return this.clause && "contains" in this.clause ? this.clause.contains : "";
  }

  type() {
    if (!this.many) return this.refresh();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const contains = this.search.value.trim();
      this.store.replaceClause(this.field, contains ? { field: this.field, contains } : null);
    }, TYPING_PAUSE);
  }

  /** @param {string | null} value */
  toggle(value) {
    clearTimeout(this.timer);
    this.store.replaceClause(this.field, toggledClause(this.field, this.ticked, value));
  }

  refresh() {
    const { data } = this;
    const counts = countValues(data, rowsBeside(this.store, this.field));
    const places = new Map(data.values.map((value, at) => [value, at]));
    const count = (/** @type {string | null} */ value) => counts[value === null ? counts.length - 1 : (places.get(value) ?? counts.length)] ?? 0;
    const ticked = new Set(this.ticked);
    const offered = offeredValues(this.field, data.values, [...ticked], count(null) > 0);
    const found = matching(offered, this.search.value, (value) => wordValue(this.field, value));
    const shown = found.slice(0, LISTED);
    this.build(shown);
    for (const value of shown) {
      const { input, count: number, row } = /** @type {{ input: HTMLInputElement, count: HTMLElement, row: HTMLElement }} */ (this.rows.get(value));
      input.checked = ticked.has(value);
      number.textContent = count(value).toLocaleString("en");
      row.classList.toggle("pxw-zero", !count(value) && !input.checked);
    }
    this.remark.textContent = !found.length
      ? "No value matches."
      : found.length > shown.length
        ? `The first ${LISTED} of ${found.length.toLocaleString("en")} values. Type to find others.`
        : "";
  }

  /** @param {(string | null)[]} shown */
  build(shown) {
    const colors = ["category", "prediction"].includes(this.field) ? this.store.categories : [];
    const state = JSON.stringify([shown, colors]);
    if (state === this.built) return;
    this.built = state;
    const focused = [...this.rows].find(([, { input }]) => input === document.activeElement)?.[0];
    this.rows = new Map(
      shown.map((value) => {
        const color = colors.find((each) => each.name === value)?.color;
        const input = h("input", { type: "checkbox", tabIndex: -1, onchange: () => this.toggle(value) });
        const count = h("span", { className: "pxw-value-count" });
        const swatch = color ? h("span", { className: "pxw-swatch", style: { "--pxw-category": color } }) : null;
        const word = wordValue(this.field, value);
        const row = h("label", { className: "pxw-value", title: word }, input, swatch, h("span", { className: "pxw-value-name" }, word), count);
        return [value, { input, count, row }];
      }),
    );
    this.list.replaceChildren(...[...this.rows.values()].map(({ row }) => row));
    const again = focused === undefined ? null : this.rows.get(focused)?.input;
    const stop = again ?? this.rows.values().next().value?.input;
    if (stop) stop.tabIndex = 0;
    again?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const inputs = [...this.rows.values()].map(({ input }) => input);
    const here = inputs.indexOf(/** @type {HTMLInputElement} */ (event.target));
    const key = { ArrowDown: "ArrowRight", ArrowUp: "ArrowLeft" }[event.key] ?? event.key;
    const next = nextIn(inputs.length, here, key);
    if (next < 0) return;
    event.preventDefault();
    inputs[here].tabIndex = -1;
    inputs[next].tabIndex = 0;
    inputs[next].focus();
  }

  close() {
    clearTimeout(this.timer);
  }
}
