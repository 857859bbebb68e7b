// Selection, filter, order and chosen images, shared with Python and with the other pages of the same labeler.
import { idsFrom, idsTo } from "./bytes.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("./channel.js").Channel} Channel */
/** @typedef {import("../state/store.js").Store} Store */

const SELECTION_PAUSE = 120;

export class Sharing {
  /**
   * @param {Model} model
   * @param {Channel} channel
   * @param {Store} store
   */
  constructor(model, channel, store) {
    this.model = model;
    this.channel = channel;
    this.store = store;
    /** The trait that is being taken over, which need not be told. */
    this.following = "";
    /** What was selected when the page was last here, until its images are shown. @type {DataView | null} */
    this.awaited = null;
    this.told = { filter: "[]", order: "" };
    /** @type {any} */
    this.timer = null;
    /** @type {[string, () => void][]} */
    this.observed = [
      ["change:_selection", () => this.follow("_selection", (state) => store.setSelection(state.ids))],
      ["change:_filter", () => this.follow("_filter", (state) => store.setFilter(state.clauses ?? []))],
      ["change:_order", () => this.follow("_order", (state) => store.setOrder(state.order))],
      ["change:_shown", () => this.showState()],
    ];
    for (const [event, listener] of this.observed) model.on(event, listener);
    this.unsubscribe = store.subscribe((change) => {
      if (change === "selection") this.tellSelection();
      if (change === "data") this.selectAwaited();
      // With labels, too: a category that the filter names may have become known to the kernel.
      if (change === "filter" || change === "data") this.tellFilter();
    });
    this.showState();
  }

  /** Take over what was filtered, sorted and selected when the page was last here. */
  restore() {
    this.following = "all";
    this.store.setOrder(this.model.get("_order")?.order ?? "");
    this.store.setFilter(this.model.get("_filter")?.clauses ?? []);
    this.awaited = this.model.get("_selection")?.ids ?? null;
    this.following = "";
    this.selectAwaited();
  }

  /** Select what was selected, once the filter has what it needs: images that are not shown cannot be selected. */
  selectAwaited() {
    const ids = this.awaited;
    if (!ids || this.store.incomplete) return;
    this.awaited = null;
    this.following = "_selection";
    this.store.setSelection(ids);
    this.following = "";
  }

  /**
   * Follow a trait that Python or another page has set; what this page has said itself is known here.
   * @param {string} trait
   * @param {(state: any) => void} apply
   */
  follow(trait, apply) {
    const state = this.model.get(trait);
    if (!state || state.by === this.channel.client || !this.store.ready) return;
    this.following = trait;
    apply(state);
    this.following = "";
  }

  showState() {
    const shown = this.model.get("_shown") ?? {};
    this.store.show(shown.ids ? idsFrom(shown.ids) : null, shown.title ?? "");
  }

  showAll() {
    this.store.show(null, "");
    this.channel.tell("show");
  }

  /** Python knows filters by the names of categories: it is told of a new filter, and of a new name in it. */
  tellFilter() {
    const { store } = this;
    if (!store.ready || this.namesUnknown()) return;
    const filter = JSON.stringify(store.filter);
    if (filter !== this.told.filter) {
      this.told.filter = filter;
      if (!this.following) this.channel.tell("filter", { clauses: store.filter });
    }
    if (store.order !== this.told.order) {
      this.told.order = store.order;
      if (!this.following) this.channel.tell("order", { order: store.order });
    }
  }

  /** Whether the filter names a category that is still on its way to the kernel. */
  namesUnknown() {
    const fresh = new Set(this.store.categories.filter((each) => each.id < 0).map((each) => each.name));
    return this.store.filter.some(
      (clause) => "values" in clause && (clause.field === "category" || clause.field === "prediction") && clause.values.some((name) => name !== null && fresh.has(name)),
    );
  }

  tellSelection() {
    // A filter of Python's that lets selected images vanish changes the selection: that is news to Python.
    if (this.following === "all" || this.following === "_selection" || this.awaited || !this.store.ready) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const ids = idsTo(this.store.selection.list().slice());
      this.channel.tell("selection", {}, [ids]);
    }, SELECTION_PAUSE);
  }

  close() {
    clearTimeout(this.timer);
    this.unsubscribe();
    for (const [event, listener] of this.observed) this.model.off(event, listener);
  }
}
