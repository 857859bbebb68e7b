// Filters of one control: text in a name, yes or no, and a query in the words of Python.
import { h, uniqueId } from "../controls/dom.js";
import { rowsBeside } from "../state/facets.js";
import { describeClause } from "./wording.js";

/** @typedef {import("../state/store.js").Store} Store */

const TYPING_PAUSE = 200;

export class TextFilter {
  /**
   * @param {Store} store
   * @param {string} field
   * @param {string} title
   */
  constructor(store, field, title) {
    this.store = store;
    this.field = field;
    /** @type {any} */
    this.timer = null;
    this.input = h("input", {
      className: "pxw-input", type: "text", autocomplete: "off", spellcheck: false, maxLength: 200,
      placeholder: "Contains…", "aria-label": `${title} contains`, oninput: () => this.type(),
    });
    this.element = h("div", {}, this.input);
    this.refresh();
  }

  type() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const contains = this.input.value.trim();
      this.store.replaceClause(this.field, contains ? { field: this.field, contains } : null);
    }, TYPING_PAUSE);
  }

  refresh() {
    if (this.input === document.activeElement) return;
    const clause = this.store.filter.find((each) => "field" in each && each.field === this.field);
    this.input.value = clause && "contains" in clause ? clause.contains : "";
  }

  close() {
    clearTimeout(this.timer);
  }
}

export class FlagFilter {
  /**
   * @param {Store} store
   * @param {string} field
   */
  constructor(store, field) {
    this.store = store;
    this.field = field;
    const name = uniqueId("flag");
    /** @type {(boolean | null)[]} */
    const choices = [null, true, false];
    this.inputs = choices.map((is) =>
      h("input", { type: "radio", name, onchange: () => store.replaceClause(field, is === null ? null : { field, is }) }),
    );
    this.counts = choices.map(() => h("span", { className: "pxw-value-count" }));
    const rows = choices.map((is, at) =>
      h(
        "label",
        { className: "pxw-value" },
        this.inputs[at],
        h("span", { className: "pxw-value-name" }, is === null ? "All images" : describeClause({ field, is }, [])),
        this.counts[at],
      ),
    );
    this.element = h("div", { className: "pxw-values", role: "radiogroup", "aria-label": "Which images" }, ...rows);
    this.refresh();
  }

  refresh() {
    const clause = this.store.filter.find((each) => "field" in each && each.field === this.field);
    const is = clause && "is" in clause ? clause.is : null;
    this.inputs.forEach((input, at) => (input.checked = [null, true, false][at] === is));
    const rows = rowsBeside(this.store, this.field);
    const flag = this.store.flag(this.field);
    let on = 0;
    if (flag) for (const row of rows) if (flag[row]) on++;
    [rows.length, on, rows.length - on].forEach((count, at) => (this.counts[at].textContent = count.toLocaleString("en")));
  }

  close() {}
}

export class QueryFilter {
  /**
   * @param {Store} store
   * @param {string} query   the one to edit; "" for a new one
   */
  constructor(store, query) {
    this.store = store;
    this.query = query;
    this.input = h("input", {
      className: "pxw-input pxw-query", type: "text", autocomplete: "off", spellcheck: false, maxLength: 2000, value: query,
      placeholder: 'category == "mitotic" and width > 64', "aria-label": "Query",
    });
    this.element = h(
      "form",
      {
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.apply();
        },
      },
      this.input,
      h("p", { className: "pxw-remark" }, "In the words of project.select in Python."),
      h("div", { className: "pxw-form-buttons" }, h("button", { type: "submit", className: "pxw-button pxw-primary" }, "Apply")),
    );
  }

  apply() {
    const query = this.input.value.trim();
    const others = this.store.filter.slice();
    const at = others.findIndex((each) => "query" in each && each.query === this.query);
    if (at < 0 && query) others.push({ query });
    else if (at >= 0) others.splice(at, 1, ...(query ? [{ query }] : []));
    this.query = query;
    this.store.setFilter(others);
  }

  refresh() {}

  close() {}
}
