// What one does with predictions: look at the doubtful ones first, accept, refuse, and accept the sure ones at once.
import { counted } from "../commands.js";
import { h, icon } from "../controls/dom.js";
import { menuButton } from "../controls/menu.js";
import { openPopover } from "../controls/popover.js";

/** @typedef {import("../commands.js").Commands} Commands */
/** @typedef {import("../state/store.js").Store} Store */

const LEAST_PERCENT = 50;
const USUAL_PERCENT = 90;

export class PredictionMenu {
  /** @param {{ root: HTMLElement, store: Store, commands: Commands }} parts */
  constructor({ root, store, commands }) {
    this.root = root;
    this.store = store;
    this.commands = commands;
    this.percent = USUAL_PERCENT;
    this.element = menuButton(root, { className: "pxw-choose" }, () => this.items(), h("span", {}, "Predictions"), icon("down"));
    this.direct = h(
      "button",
      {
        type: "button", className: "pxw-choose pxw-direct", title: "Show the unlabeled images of which the classifier is least certain first",
        onclick: () => this.leastCertain(),
        onmousedown: (/** @type {Event} */ event) => event.preventDefault(),
      },
      "Least certain first",
    );
    this.draw();
  }

  draw() {
    this.element.hidden = this.direct.hidden = !this.store.hasPredictions;
  }

  /** @returns {import("../controls/menu.js").Item[]} */
  items() {
    const { store, commands } = this;
    const disabled = store.readOnly;
    const title = disabled ? "This project can only be read." : undefined;
    return [
      { label: "Least certain unlabeled first", run: () => this.leastCertain() },
      { label: "Where label and prediction differ", run: () => this.differing() },
      { label: "Accept the selected", hint: "Enter", divided: true, disabled, title, run: () => commands.accept() },
      { label: "Refuse the selected", hint: "Backspace", disabled, title, run: () => commands.refuse() },
      { label: "Accept all above a threshold…", divided: true, disabled, title, run: () => this.openThreshold() },
    ];
  }

  leastCertain() {
    this.store.replaceClause("category", { field: "category", values: [null] });
    this.store.setOrder("-entropy");
  }

  differing() {
    this.store.replaceClause("agreement", { field: "agreement", values: ["differs"] });
  }

  openThreshold() {
    const { store, commands } = this;
    const slider = h("input", {
      type: "range", className: "pxw-slider", min: String(LEAST_PERCENT), max: "100", step: "1", "aria-label": "Least confidence in percent",
      oninput: () => choose(Number(slider.value)),
    });
    const entry = h("input", {
      type: "number", className: "pxw-input", min: String(LEAST_PERCENT), max: "100", step: "1", "aria-label": "Least confidence in percent",
      oninput: () => choose(Number(entry.value)),
    });
    const list = h("div", { className: "pxw-tally" });
    const accept = h("button", {
      type: "button", className: "pxw-button pxw-primary",
      onclick: () => {
        const threshold = this.percent / 100;
        close();
        commands.acceptAbove(threshold);
      },
    });
    const content = h(
      "div",
      { className: "pxw-threshold" },
      h("div", { className: "pxw-bounds" }, slider, entry, h("span", { "aria-hidden": "true" }, "%")),
      list,
      h("div", { className: "pxw-form-buttons" }, accept),
      h("p", { className: "pxw-remark" }, "These are unlabeled and shown. One undo (Ctrl+Z) takes all of them back."),
    );
    const draw = () => {
      const ids = commands.aboveThreshold(this.percent / 100);
      const counts = tally(store, ids);
      list.replaceChildren(
        ...counts.map(({ category, count }) =>
          h(
            "div",
            { className: "pxw-value" },
            h("span", { className: "pxw-swatch", style: { "--pxw-category": category.color } }),
            h("span", { className: "pxw-value-name" }, category.name),
            h("span", { className: "pxw-value-count" }, count.toLocaleString("en")),
          ),
        ),
      );
      accept.textContent = ids.length ? `Label ${counted(ids.length)} as predicted` : "No unlabeled image is above it";
      accept.disabled = !ids.length;
      if (slider !== document.activeElement) slider.value = String(this.percent);
      if (entry !== document.activeElement) entry.value = String(this.percent);
    };
    const choose = (/** @type {number} */ percent) => {
      if (!(percent >= LEAST_PERCENT && percent <= 100)) return;
      this.percent = percent;
      draw();
    };
    const unsubscribe = store.subscribe((change) => {
      if (change === "data") draw();
    });
    draw();
    const close = openPopover(this.root, this.element, content, "Accept predictions above", unsubscribe);
  }
}

/**
 * How many of some images have each predicted category, in the order of the categories.
 * @param {Pick<Store, "table" | "prediction" | "categories">} store
 * @param {Float64Array} ids
 */
export function tally({ table, prediction, categories }, ids) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const row of table.rowsOf(ids)) counts.set(prediction[row], (counts.get(prediction[row]) ?? 0) + 1);
  return categories.flatMap((category) => {
    const count = counts.get(category.id);
    return count ? [{ category, count }] : [];
  });
}
