// The bar above the grid: how far the labeling is, what is shown, undo and redo, the tiles' size, and whether all is saved.
import { counted } from "./commands.js";
import { h, icon } from "./dom.js";
import { countPartitions } from "./filter.js";
import { LARGEST, SMALLEST } from "./layout.js";
import { openMenu } from "./menu.js";
import { PARTITIONS } from "./types.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./commands.js").Commands} Commands */

/** @param {string} text */
const capital = (text) => text[0].toUpperCase() + text.slice(1);

export class Toolbar {
  /**
   * @param {{ root: HTMLElement, session: Session, commands: Commands, resize: (size: number) => void, help: () => void }} parts
   */
  constructor({ root, session, commands, resize, help }) {
    this.root = root;
    this.session = session;
    this.store = session.store;
    this.commands = commands;
    this.counts = h("span", { className: "pxw-progress-text" });
    this.bar = h("div", { className: "pxw-bar", "aria-hidden": "true" });
    this.chips = h("div", { className: "pxw-chips" });
    this.category = this.filterButton("Category", (at) => this.categoryMenu(at), () => commands.filterCategory(undefined));
    this.partition = this.filterButton("Partition", (at) => this.partitionMenu(at), () => commands.filterPartition(undefined));
    this.saving = h("span", { className: "pxw-saving" });
    const slider = h("input", {
      type: "range", className: "pxw-slider", min: String(SMALLEST), max: String(LARGEST), step: "8", value: "96", "aria-label": "Size of the images",
      oninput: () => resize(Number(slider.value)),
    });
    this.element = h(
      "div",
      { className: "pxw-toolbar", role: "toolbar", "aria-label": "Labeling" },
      h("div", { className: "pxw-progress" }, this.counts, this.bar),
      h("div", { className: "pxw-filters" }, this.chips, this.category.element, this.partition.element),
      h(
        "div",
        { className: "pxw-tools" },
        h("label", { className: "pxw-zoom", title: "Size of the images" }, icon("small"), slider, icon("large")),
        h(
          "div",
          { className: "pxw-pair" },
          this.tool("Undo (Ctrl+Z)", icon("undo"), () => commands.undo()),
          this.tool("Redo (Ctrl+Shift+Z)", icon("redo"), () => commands.redo()),
        ),
        this.tool("Keyboard shortcuts (?)", "?", help),
        this.saving,
      ),
    );
    this.unsubscribe = this.store.subscribe((change) => {
      if (change === "data" || change === "filter") this.draw();
      else if (change === "status") this.drawSaving();
    });
    this.draw();
  }

  /**
   * @param {string} label
   * @param {Node | string} face
   * @param {() => void} run
   */
  tool(label, face, run) {
    // The mouse leaves the focus where it is, on the images; Tab still comes here.
    const onmousedown = (/** @type {Event} */ event) => event.preventDefault();
    return h("button", { type: "button", className: "pxw-tool", title: label, "aria-label": label, onclick: run, onmousedown }, face);
  }

  /**
   * A button that opens a menu, and with a filter chosen becomes a chip that can be removed.
   * @param {string} name
   * @param {(at: DOMRect) => void} open
   * @param {() => void} clear
   */
  filterButton(name, open, clear) {
    const text = h("span", { className: "pxw-filter-text" });
    const button = h(
      "button",
      { type: "button", className: "pxw-filter", "aria-haspopup": "menu", onclick: () => open(button.getBoundingClientRect()) },
      text,
      icon("down"),
    );
    const cross = h("button", { type: "button", className: "pxw-clear", "aria-label": `Remove the filter by ${name.toLowerCase()}`, title: "Remove the filter", onclick: clear }, icon("cross"));
    const element = h("div", { className: "pxw-filter-group" }, button, cross);
    return {
      element,
      show: (/** @type {string | null} */ value, /** @type {string} */ color = "") => {
        text.textContent = value === null ? name : `${name}: ${value}`;
        element.classList.toggle("pxw-on", value !== null);
        element.style.setProperty("--pxw-category", color || "transparent");
        cross.hidden = value === null;
      },
    };
  }

  /** @param {DOMRect} at */
  categoryMenu(at) {
    const { store, commands } = this;
    const chosen = store.filter.category;
    const hint = (/** @type {number} */ id) => (store.counts.get(id) ?? 0).toLocaleString("en");
    const items = [
      { label: "All categories", checked: chosen === undefined, run: () => commands.filterCategory(undefined) },
      { label: "Unlabeled", checked: chosen === 0, hint: hint(0), run: () => commands.filterCategory(0) },
      ...store.categories.map((category, index) => ({
        label: category.name, color: category.color, checked: chosen === category.id, hint: hint(category.id), divided: index === 0,
        run: () => commands.filterCategory(category.id),
      })),
    ];
    openMenu(this.root, at, items, "Show a category");
  }

  /** @param {DOMRect} at */
  partitionMenu(at) {
    const { store, commands } = this;
    const counts = countPartitions(store.scope, store.table.columns.partition);
    const chosen = store.filter.partition;
    const items = [1, 2, 3, 0].map((partition, index) => ({
      label: capital(PARTITIONS[partition]), checked: chosen === partition, hint: counts[partition].toLocaleString("en"), divided: index === 0,
      run: () => commands.filterPartition(partition),
    }));
    const all = { label: "All partitions", checked: chosen === undefined, run: () => commands.filterPartition(undefined) };
    openMenu(this.root, at, [all, ...items], "Show a partition");
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
    const category = store.filter.category === undefined ? null : store.categoryOf(store.filter.category);
    this.category.show(store.filter.category === 0 ? "unlabeled" : (category?.name ?? null), category?.color);
    this.partition.show(store.filter.partition === undefined ? null : PARTITIONS[store.filter.partition]);
    this.drawChips();
    this.drawSaving();
  }

  drawChips() {
    const { store } = this;
    if (!store.shown) {
      this.chips.replaceChildren();
      return;
    }
    const text = `${store.title || "Chosen images"} · ${counted(store.scope.length)}`;
    this.chips.replaceChildren(
      h(
        "div",
        { className: "pxw-chip" },
        h("span", { className: "pxw-chip-text", title: text }, text),
        h("button", { type: "button", className: "pxw-showall", onclick: () => this.session.sharing.showAll() }, "Show all"),
      ),
    );
  }

  drawSaving() {
    const { saving, waiting, silent, reason, storage } = this.store;
    const edits = counted(waiting, "edit");
    const kept = storage ? "They are kept in this browser until the kernel answers." : "This browser keeps nothing: leave the page open.";
    /** @type {[string, string, Node | null]} */
    const [state, text, mark] =
      saving === "saving" ? ["saving", "Saving…", null]
      : saving === "offline" ? ["offline", `Offline · ${edits} waiting`, icon("cloudOff")]
      : silent ? ["offline", "No answer from the kernel", icon("cloudOff")]
      : ["saved", "Saved", icon("check")];
    const key = `${state} ${text} ${reason}`;
    if (this.saving.dataset.key === key) return;
    this.saving.dataset.key = key;
    this.saving.className = `pxw-saving pxw-${state}`;
    this.saving.title = state === "saved" ? "Every label is on disk." : `${reason ? `${reason} ` : ""}${waiting ? kept : ""}`.trim();
    this.saving.replaceChildren(mark ?? h("span", { className: "pxw-dot" }), h("span", {}, text));
  }

  close() {
    this.unsubscribe();
  }
}
