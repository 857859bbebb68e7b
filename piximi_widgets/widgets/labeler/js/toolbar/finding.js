// The filter menu, and the popovers in which one says what to show. Every change applies at once.
import { h, icon } from "../controls/dom.js";
import { counted } from "../commands.js";
import { dismiss, isOpen } from "../controls/floating.js";
import { menuButton } from "../controls/menu.js";
import { NumberRange } from "./number_range.js";
import { focusFirst, openPopover } from "../controls/popover.js";
import { FlagFilter, QueryFilter, TextFilter } from "./simple_filters.js";
import { ValueList } from "./value_list.js";
import { filterableFields, underHeading, wordingOf } from "./wording.js";

/** @typedef {import("../kernel/session.js").Session} Session */

/** @typedef {{ element: HTMLElement, refresh: () => void, close: () => void }} Editor */

export class Finding {
  /** @param {{ root: HTMLElement, session: Session }} parts */
  constructor({ root, session }) {
    this.root = root;
    this.session = session;
    this.store = session.store;
    this.element = menuButton(root, { className: "pxw-choose" }, () => this.items(), icon("filter"), h("span", {}, "Filter"), icon("down"));
  }

  /** @returns {import("../controls/menu.js").Item[]} */
  items() {
    const { store } = this;
    const { blind } = store.preferences;
    const used = new Set(store.filter.map((clause) => ("query" in clause ? "" : clause.field)));
    // Where all predictions were refused, one can still look at those.
    const predicted = store.hasPredictions || store.refused.some((id) => id !== 0);
    const items = filterableFields(store.fields, { blind, predicted }).map(({ name, title, group }) => ({
      label: title, ...underHeading(group), hint: used.has(name) ? "in use" : undefined, run: () => this.open(name, this.element),
    }));
    if (blind) return items;
    const query = { label: "Query…", title: "Anything that project.select in Python understands", run: () => this.openQuery("", this.element) };
    return [...items, { ...query, divided: true }];
  }

  /**
   * Say what to show by one field.
   * @param {string} field
   * @param {HTMLElement} anchor
   */
  async open(field, anchor) {
    if (isOpen(anchor)) return dismiss(this.root);
    const { store } = this;
    const { title, kind } = wordingOf(field, store.fields);
    const popover = this.popover(title, anchor, {
      used: () => store.filter.some((clause) => "field" in clause && clause.field === field),
      remove: () => store.replaceClause(field, null),
      renew: () => {
        // What labels or images have changed is let go of, and asked for anew while somebody looks at it.
        if (kind !== "flag" && !store.fieldData(field)) this.session.needField(field).catch((error) => popover.say(error.message));
      },
    });
    if (kind === "flag") return popover.fill(new FlagFilter(store, field));
    if (!store.fieldData(field)) {
      try {
        await this.session.needField(field);
      } catch (error) {
        return popover.say(/** @type {Error} */ (error).message);
      }
    }
    if (popover.closed) return;
    if (kind === "text") popover.fill(new TextFilter(store, field, title));
    else if (kind === "values") popover.fill(new ValueList(store, field));
    else popover.fill(new NumberRange(store, field));
  }

  /**
   * Write a query, or another one.
   * @param {string} query
   * @param {HTMLElement} anchor
   */
  openQuery(query, anchor) {
    if (isOpen(anchor)) return dismiss(this.root);
    const { store } = this;
    const editor = new QueryFilter(store, query);
    const edited = (/** @type {import("../types.js").Clause} */ clause) => "query" in clause && clause.query === editor.query;
    const popover = this.popover("Query", anchor, {
      used: () => store.filter.some(edited),
      remove: () => store.setFilter(store.filter.filter((clause) => !edited(clause))),
      renew: () => {},
    });
    popover.fill(editor);
  }

  /**
   * @param {string} title
   * @param {HTMLElement} anchor
   * @param {{ used: () => boolean, remove: () => void, renew: () => void }} clause   the one that is edited, once there is one
   */
  popover(title, anchor, clause) {
    const { store } = this;
    const body = h("div", { className: "pxw-popover-body" }, h("p", { className: "pxw-remark", role: "status" }, "Loading…"));
    const shown = h("span", { className: "pxw-popover-count" });
    const remover = h(
      "button",
      {
        type: "button", className: "pxw-button",
        onclick: () => {
          clause.remove();
          close();
        },
      },
      "Remove filter",
    );
    /** @type {Editor | null} */
    let editor = null;
    const draw = () => {
      shown.textContent = store.incomplete ? "Loading…" : `→ ${counted(store.visible.length)}`;
      remover.hidden = !clause.used();
      editor?.refresh();
    };
    const unsubscribe = store.subscribe((change) => {
      if (change !== "data") return;
      clause.renew();
      draw();
    });
    const popover = {
      closed: false,
      fill: (/** @type {Editor} */ made) => {
        if (popover.closed) return;
        editor = made;
        const held = content.parentElement?.contains(document.activeElement);
        body.replaceChildren(made.element);
        draw();
        if (held) focusFirst(body);
      },
      say: (/** @type {string} */ text) => body.replaceChildren(h("p", { className: "pxw-problem", role: "alert" }, text)),
    };
    const content = h("div", {}, body, h("div", { className: "pxw-popover-foot" }, shown, remover));
    draw();
    const close = openPopover(this.root, anchor, content, title, () => {
      popover.closed = true;
      unsubscribe();
      editor?.close();
    });
    return popover;
  }
}
