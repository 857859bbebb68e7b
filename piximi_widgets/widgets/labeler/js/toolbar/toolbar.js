// The bar above the grid: how far the labeling is, what is shown and in which order, undo and redo, the tiles' size, and whether all is saved.
import { Chips } from "./chips.js";
import { counted } from "../commands.js";
import { h, icon } from "../controls/dom.js";
import { Finding } from "./finding.js";
import { fractionOf, sizeAt } from "../grid/layout.js";
import { menuButton } from "../controls/menu.js";
import { PredictionMenu } from "./prediction_menu.js";
import { rove } from "../controls/roving.js";
import { SavingMark } from "./saving_mark.js";
import { selectItems } from "./selecting.js";
import { Sorting } from "./sorting.js";
import { viewItems } from "./view_menu.js";
import { describeOrder } from "./wording.js";

/** @typedef {import("../kernel/session.js").Session} Session */
/** @typedef {import("../state/store.js").Store} Store */
/** @typedef {import("../commands.js").Commands} Commands */

/** Steps of the slider from the smallest tiles to the full width. */
const ZOOM_STEPS = 100;
/** Somebody who drags a range is told of the result, not of each step. */
const SAYING_PAUSE = 700;

/** What was last said to be shown: two views of one store say it once. @type {WeakMap<Store, string>} */
const said = new WeakMap();

export class Toolbar {
  /** @param {{ root: HTMLElement, session: Session, commands: Commands, help: () => void }} parts */
  constructor({ root, session, commands, help }) {
    this.root = root;
    this.store = session.store;
    const { store } = this;
    this.counts = h("span", { className: "pxw-progress-text" });
    this.bar = h("div", { className: "pxw-bar", "aria-hidden": "true" });
    this.finding = new Finding({ root, session });
    this.sorting = new Sorting(root, store);
    this.predictions = new PredictionMenu({ root, store, commands });
    this.saving = new SavingMark(store);
    this.undo = tool("Undo (Ctrl+Z)", icon("undo"), () => commands.undo());
    this.redo = tool("Redo (Ctrl+Shift+Z)", icon("redo"), () => commands.redo());
    this.slider = h("input", {
      type: "range", className: "pxw-slider", min: "0", max: String(ZOOM_STEPS), "aria-label": "Size of the images",
      oninput: () => store.setPreference("size", sizeAt(Number(this.slider.value) / ZOOM_STEPS, this.width)),
    });
    const select = menuButton(root, { className: "pxw-choose" }, () => selectItems(store, commands), h("span", {}, "Select"), icon("down"));
    const habits = { className: "pxw-tool", title: "View and habits", "aria-label": "View and habits" };
    const view = menuButton(root, habits, () => viewItems(store, help), icon("more"));
    this.chips = new Chips({ session, finding: this.finding, changed: () => this.refreshStops?.() });
    this.element = h(
      "div",
      { className: "pxw-toolbar", role: "toolbar", "aria-label": "Labeling" },
      h("div", { className: "pxw-progress" }, this.counts, this.bar),
      h("div", { className: "pxw-choices" }, this.finding.element, this.sorting.element, select, this.predictions.element, this.predictions.direct),
      h(
        "div",
        { className: "pxw-tools" },
        h("label", { className: "pxw-zoom", title: "Size of the images" }, icon("small"), this.slider, icon("large")),
        h("div", { className: "pxw-pair" }, this.undo, this.redo),
        h("div", { className: "pxw-pair" }, view, tool("Keyboard shortcuts (H)", "?", help)),
      ),
      this.saving.element,
      this.chips.element,
    );
    this.refreshStops = rove(this.element);
    /** @type {any} */
    this.timer = null;
    said.set(store, said.get(store) ?? shownState(store));
    this.sizes = new ResizeObserver(() => this.drawZoom());
    this.sizes.observe(root);
    this.unsubscribe = store.subscribe((change) => {
      if (change === "data" || change === "fields") this.draw();
      else if (change === "status") this.saving.draw();
      else if (change === "preferences") this.drawZoom();
      if (change === "data") this.sayShown();
    });
    this.draw();
  }

  /** What the tiles can fill. */
  get width() {
    const grid = this.root.querySelector(".pxw-grid");
    if (!grid) return 0;
    const { paddingLeft, paddingRight } = getComputedStyle(grid);
    return grid.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
  }

  draw() {
    const { store } = this;
    const { labeled, total } = store.progress();
    this.counts.replaceChildren(h("strong", {}, labeled.toLocaleString("en")), ` of ${total.toLocaleString("en")} labeled`);
    this.bar.replaceChildren(
      ...store.categories.map((category) =>
        h("span", { style: { "--pxw-category": category.color, "flex-grow": store.counts.get(category.id) ?? 0 } }),
      ),
      h("span", { className: "pxw-rest", style: { "flex-grow": Math.max(store.counts.get(0) ?? 0, total ? 0 : 1) } }),
    );
    const hadPredictions = !this.predictions.element.hidden;
    this.predictions.draw();
    if (store.hasPredictions !== hadPredictions || this.undo.disabled !== store.readOnly) {
      this.undo.disabled = this.redo.disabled = store.readOnly;
      this.refreshStops();
    }
    this.sorting.draw();
    this.chips.draw();
    this.saving.draw();
  }

  drawZoom() {
    if (this.slider === document.activeElement) return;
    const { width } = this;
    if (width > 0) this.slider.value = String(Math.round(fractionOf(this.store.preferences.size, width) * ZOOM_STEPS));
  }

  /** Say how many images another filter shows, or which order they have now. */
  sayShown() {
    const { store } = this;
    if (said.get(store) === shownState(store)) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const state = shownState(store);
      const before = said.get(store);
      // What the kernel has not said yet is announced when it is there.
      if (before === state || store.incomplete || !store.ready) return;
      said.set(store, state);
      const resorted = before !== undefined && JSON.parse(before)[1] !== store.order;
      const order = resorted ? ` Sorted: ${describeOrder(store.order, store.fields)}.` : "";
      store.announce(`${counted(store.visible.length)} shown.${order}`);
    }, SAYING_PAUSE);
  }

  close() {
    clearTimeout(this.timer);
    this.sizes.disconnect();
    this.unsubscribe();
  }
}

/** @param {Store} store */
function shownState({ filter, order, title }) {
  return JSON.stringify([filter, order, title]);
}

/**
 * @param {string} label
 * @param {Node | string} face
 * @param {() => void} run
 */
function tool(label, face, run) {
  // The mouse leaves the focus where it is, on the images; Tab still comes here.
  const onmousedown = (/** @type {Event} */ event) => event.preventDefault();
  return h("button", { type: "button", className: "pxw-tool", title: label, "aria-label": label, onclick: run, onmousedown }, face);
}
