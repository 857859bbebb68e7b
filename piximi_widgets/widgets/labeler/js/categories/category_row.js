// One line of the category list: colour, name, counts and key.
import { counted } from "../commands.js";
import { COLUMNS, partitionWords } from "./category_counts.js";
import { h, icon } from "../controls/dom.js";

/** @typedef {import("../types.js").Category} Category */

/**
 * @typedef {object} RowState
 * @property {Category} category      with the id 0 for the images without a label
 * @property {number} count
 * @property {number[] | null} partitions   the count by partition, where that is shown
 * @property {string} key
 * @property {import("./category_counts.js").Warning | null} warning
 * @property {boolean} editable
 * @property {boolean} active         the arrows of the keyboard are here
 * @property {boolean} filtered       the filter asks for it
 * @property {boolean} alone          and for no other
 * @property {boolean} common         the selected images all have it
 */

export class CategoryRow {
  /** @param {string} id */
  constructor(id) {
    this.state = "";
    this.swatch = h("span", { className: "pxw-swatch" });
    this.name = h("span", { className: "pxw-category-name" });
    this.partitions = h("span", { className: "pxw-partitions" });
    this.warning = h("span", { className: "pxw-few" }, "!");
    // For the mouse; keys reach the same by the menu, so that the option has no control inside.
    this.only = h("span", { className: "pxw-row-tool pxw-only" }, icon("filter"));
    this.more = h("span", { className: "pxw-row-tool pxw-more", title: "More" }, icon("more"));
    this.count = h("span", { className: "pxw-count" });
    this.key = h("kbd", { className: "pxw-key" });
    const parts = [this.swatch, this.name, this.warning, this.only, this.more, this.count, this.key, this.partitions];
    for (const part of parts) part.setAttribute("aria-hidden", "true");
    // All of it once more in one sentence; an `aria-label` would not hold the words that are seen, in their order.
    this.spoken = h("span", { className: "pxw-spoken" });
    this.element = h("div", { id, className: "pxw-category", role: "option" }, this.spoken, ...parts);
  }

  /** @param {RowState} news */
  update(news) {
    const state = JSON.stringify(news);
    if (state === this.state) return;
    this.state = state;
    const { category, count, partitions, key, warning, editable, active, filtered, alone, common } = news;
    const unlabeled = category.id === 0;
    const words = partitions && partitionWords(partitions);
    const cap = key.toUpperCase();

    this.swatch.classList.toggle("pxw-none", unlabeled);
    this.swatch.style.setProperty("--pxw-category", category.color || "transparent");
    this.swatch.title = unlabeled || !editable ? "" : "Change the colour";
    this.name.textContent = category.name;
    this.partitions.hidden = !partitions;
    this.partitions.title = words ?? "";
    this.partitions.replaceChildren(...(partitions ? columns(partitions) : []));
    this.warning.hidden = !warning;
    this.warning.title = warning?.text ?? "";
    this.warning.classList.toggle("pxw-error", warning?.tone === "error");
    this.only.title = alone ? "Show all images" : "Show only these (Alt+click)";
    this.count.textContent = count.toLocaleString("en");
    this.key.textContent = cap;
    this.key.classList.toggle("pxw-nokey", !cap);

    const parts = [category.name, counted(count)];
    if (words) parts.push(words);
    if (cap) parts.push(`key ${cap}`);
    if (filtered) parts.push(alone ? "only these are shown" : "among those shown");
    if (warning) parts.push(warning.text);
    const { element } = this;
    for (const [name, on] of Object.entries({ active, unlabeled, filtered, common })) element.classList.toggle(`pxw-${name}`, on);
    element.setAttribute("aria-selected", String(common));
    this.spoken.textContent = parts.join(", ");
    element.title = titleOf(category, editable);
  }
}

/** A number for each partition, below its name in the list's head where there is room for one. @param {number[]} counts */
function columns(counts) {
  return COLUMNS.map(([name, partition]) => h("span", {}, h("span", { className: "pxw-partition" }, name), counts[partition].toLocaleString("en")));
}

/**
 * @param {Category} category
 * @param {boolean} editable
 */
function titleOf(category, editable) {
  if (!editable) return `${category.name}. This project is open for reading only.`;
  return category.id ? `Label the selected images ${category.name}` : "Remove the label of the selected images";
}
