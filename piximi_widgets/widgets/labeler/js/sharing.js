// Selection, filter and chosen images, shared with Python and with the other pages of the same labeler.
import { idsFrom, idsTo } from "./bytes.js";
import { filterToNames } from "./filter.js";

/** @typedef {import("./types.js").Model} Model */
/** @typedef {import("./channel.js").Channel} Channel */
/** @typedef {import("./store.js").Store} Store */

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
    this.following = false;
    this.toldFilter = "{}";
    /** @type {any} */
    this.timer = null;
    /** @type {[string, () => void][]} */
    this.observed = [
      ["change:_selection", () => this.follow("_selection", (state) => store.setSelection(state.ids))],
      ["change:_filter", () => this.follow("_filter", (state) => store.setNamedFilter(state.filter))],
      ["change:_shown", () => this.showState()],
    ];
    for (const [event, listener] of this.observed) model.on(event, listener);
    this.unsubscribe = store.subscribe((change) => {
      if (change === "selection") this.tellSelection();
      else if (change === "filter") this.tellFilter();
    });
    this.showState();
  }

  /** Take over what was filtered and selected when the page was last here. */
  restore() {
    this.following = true;
    this.store.setNamedFilter(this.model.get("_filter")?.filter ?? {});
    this.store.setSelection(this.model.get("_selection")?.ids ?? null);
    this.following = false;
  }

  /**
   * Follow a trait that Python or another page has set; what this page has said itself is known here.
   * @param {string} trait
   * @param {(state: any) => void} apply
   */
  follow(trait, apply) {
    const state = this.model.get(trait);
    if (!state || state.by === this.channel.client || !this.store.ready) return;
    this.following = true;
    apply(state);
    this.following = false;
  }

  showState() {
    const shown = this.model.get("_shown") ?? {};
    this.store.show(shown.ids ? idsFrom(shown.ids) : null, shown.title ?? "");
  }

  showAll() {
    this.store.show(null, "");
    this.channel.post({ kind: "show" });
  }

  /** Python knows filters by name: it is told of a new filter, and of a new name of the filtered category. */
  tellFilter() {
    const filter = filterToNames(this.store.filter, this.store.categories);
    const told = JSON.stringify(filter);
    // A category without an id is not known to Python yet; it is told when it has one.
    if (!this.store.ready || told === this.toldFilter || (this.store.filter.category ?? 0) < 0) return;
    this.toldFilter = told;
    if (!this.following) this.channel.post({ kind: "filter", client: this.channel.client, filter });
  }

  tellSelection() {
    if (this.following || !this.store.ready) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const ids = idsTo(this.store.selection.list().slice());
      this.channel.post({ kind: "selection", client: this.channel.client }, [ids]);
    }, SELECTION_PAUSE);
  }

  close() {
    clearTimeout(this.timer);
    this.unsubscribe();
    for (const [event, listener] of this.observed) this.model.off(event, listener);
  }
}
