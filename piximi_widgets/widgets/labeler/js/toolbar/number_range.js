// A range of numbers: how they are spread, two thumbs to drag, and two fields to write.
import { h } from "../controls/dom.js";
import { histogram, rangeClause, rangeOf, rowsBeside, stepOf } from "../state/facets.js";
import { localTime, wordNumber, wordingOf } from "./wording.js";

/** @typedef {import("../state/store.js").Store} Store */

const BINS = 32;

export class NumberRange {
  /**
   * @param {Store} store
   * @param {string} field
   */
  constructor(store, field) {
    this.store = store;
    this.field = field;
    /** The last that was known, while it is asked for anew. */
    this.known = /** @type {Float64Array | Float32Array} */ (new Float64Array(0));
    const { title, kind } = wordingOf(field, store.fields);
    this.kind = kind;
    // What can be chosen does not move while other clauses change.
    this.range = rangeOf(this.data, store.scope);
    this.bars = h("div", { className: "pxw-spread", "aria-hidden": "true" }, ...Array.from({ length: BINS }, () => h("span", {})));
    this.low = this.slider(`Lowest ${title.toLowerCase()}`, () => this.slide(this.low));
    this.high = this.slider(`Highest ${title.toLowerCase()}`, () => this.slide(this.high));
    this.from = this.entry(`${title} from`);
    this.to = this.entry(`${title} to`);
    this.remark = h("p", { className: "pxw-remark" });
    this.element = this.range
      ? h(
          "div",
          { className: "pxw-number-range" },
          this.bars,
          h("div", { className: "pxw-range" }, this.low, this.high),
          h("div", { className: `pxw-bounds${kind === "time" ? " pxw-stacked" : ""}` }, this.from, h("span", { "aria-hidden": "true" }, "–"), this.to),
          this.remark,
        )
      : h("p", { className: "pxw-remark" }, "No image has a value here.");
    this.refresh();
  }

  get data() {
    const data = this.store.fieldData(this.field);
    if (data?.kind === "number") this.known = data.data;
    return this.known;
  }

  /** @returns {{ min?: number, max?: number }} */
  get clause() {
    const found = this.store.filter.find((each) => "field" in each && each.field === this.field);
    return found && !("values" in found || "contains" in found || "is" in found || "query" in found) ? found : {};
  }

  /**
   * @param {string} label
   * @param {() => void} oninput
   */
  slider(label, oninput) {
    const { min, max, whole } = this.range ?? { min: 0, max: 1, whole: false };
    const step = stepOf({ min, max, whole });
    // From a round number at or below the least to one at or above the greatest.
    const [first, last] = [Math.floor(min / step), Math.ceil(max / step)].map((steps) => tidied(steps * step));
    return h("input", { type: "range", min: String(first), max: String(last), step: String(step), "aria-label": label, oninput });
  }

  /** @param {string} label */
  entry(label) {
    return h("input", {
      className: "pxw-input", type: this.kind === "time" ? "datetime-local" : "number", step: "any", "aria-label": label,
      oninput: () => this.write(),
    });
  }

  /** One thumb was moved; at its end of the range it bounds nothing. @param {HTMLInputElement} moved */
  slide(moved) {
    const { range } = this;
    if (!range) return;
    if (Number(this.low.value) > Number(this.high.value)) moved.value = moved === this.low ? this.high.value : this.low.value;
    const low = tidied(Number(this.low.value));
    const high = tidied(Number(this.high.value));
    this.apply(low <= range.min ? null : low, high >= range.max ? null : high);
  }

  write() {
    this.apply(this.read(this.from), this.read(this.to));
  }

  /** @param {HTMLInputElement} entry @returns {number | null} */
  read(entry) {
    if (entry.value === "") return null;
    const value = this.kind === "time" ? new Date(entry.value).getTime() / 1000 : Number(entry.value);
    return Number.isFinite(value) ? value : null;
  }

  /**
   * @param {number | null} low
   * @param {number | null} high
   */
  apply(low, high) {
    this.store.replaceClause(this.field, rangeClause(this.field, low, high));
  }

  refresh() {
    const { range, clause } = this;
    if (!range) return;
    const rows = rowsBeside(this.store, this.field);
    const counts = histogram(this.data, rows, range, BINS);
    const most = Math.max(1, ...counts);
    const width = (range.max - range.min) / BINS;
    [...this.bars.children].forEach((bar, at) => {
      const middle = range.min + (at + 0.5) * width;
      const inside = middle >= (clause.min ?? -Infinity) && middle <= (clause.max ?? Infinity);
      /** @type {HTMLElement} */ (bar).style.height = counts[at] ? `${Math.max(4, (100 * counts[at]) / most)}%` : "0";
      bar.classList.toggle("pxw-spread-in", inside);
    });
    this.draw(this.low, clause.min ?? Number(this.low.min), clause.min ?? range.min);
    this.draw(this.high, clause.max ?? Number(this.high.max), clause.max ?? range.max);
    this.fill(this.from, clause.min, range.min);
    this.fill(this.to, clause.max, range.max);
    const missing = rangeOf(this.data, rows)?.missing ?? rows.length;
    this.remark.textContent =
      (clause.min ?? -Infinity) > (clause.max ?? Infinity)
        ? "The first number is above the second: no image is between them."
        : missing
          ? `${missing.toLocaleString("en")} without a value ${clause.min === undefined && clause.max === undefined ? "shown too" : "left out"}.`
          : "";
  }

  /**
   * @param {HTMLInputElement} slider
   * @param {number} place
   * @param {number} value   what it stands for
   */
  draw(slider, place, value) {
    slider.value = String(place);
    slider.setAttribute("aria-valuetext", wordNumber(value, this.kind));
  }

  /**
   * @param {HTMLInputElement} entry
   * @param {number | undefined} bound
   * @param {number} end
   */
  fill(entry, bound, end) {
    entry.placeholder = wordNumber(end, this.kind).replace(/,/g, "");
    // Nobody's half-written number is put right under her hands.
    if (entry === document.activeElement) return;
    entry.value = bound === undefined ? "" : this.kind === "time" ? localTime(bound) : String(bound);
  }

  close() {}
}

/** Without the noise of adding steps. @param {number} value */
function tidied(value) {
  return Number(value.toPrecision(12));
}
