// The order in which images are shown: a menu that says the present one.
import { h, icon } from "../controls/dom.js";
import { menuButton } from "../controls/menu.js";
import { parsedOrder } from "../state/order.js";
import { describeOrder, directions, sortableFields, underHeading } from "./wording.js";

/** @typedef {import("../state/store.js").Store} Store */

/** Seeds are short, so that one can be told to a colleague. */
const SEEDS = 10_000;

/** What is looked for at its high end. */
const HIGH_FIRST = new Set(["entropy"]);

const STALE = "Labels have changed since the images were sorted.";

export class Sorting {
  /**
   * @param {HTMLElement} root
   * @param {Store} store
   */
  constructor(root, store) {
    this.store = store;
    this.words = h("span", { className: "pxw-choose-words" });
    this.stale = h("span", { className: "pxw-stale", title: STALE, hidden: true });
    this.element = menuButton(root, { className: "pxw-choose pxw-sort" }, () => this.items(), this.words, this.stale, icon("down"));
    this.draw();
  }

  draw() {
    const { store } = this;
    const words = `Sort: ${describeOrder(store.order, store.fields)}`;
    if (this.words.textContent !== words) this.words.textContent = this.element.title = words;
    const stale = store.orderStale;
    if (this.stale.hidden !== stale) return;
    this.stale.hidden = !stale;
    if (stale) this.element.setAttribute("aria-label", `${words}. ${STALE}`);
    else this.element.removeAttribute("aria-label");
  }

  /** @returns {import("../controls/menu.js").Item[]} */
  items() {
    const { store } = this;
    const { field, descending, seed } = parsedOrder(store.order);
    const choose = (/** @type {string} */ order) => () => store.setOrder(order);
    const again = { label: "Sort again", title: STALE, run: () => store.sortAgain() };
    const fields = sortableFields(store.fields, { blind: store.preferences.blind, predicted: store.hasPredictions });
    const [up, down] = directions(field, store.fields);
    const fixed = !field || seed !== null;
    return [
      ...(store.orderStale ? [again] : []),
      { label: "As added", chosen: !field, run: choose(""), divided: store.orderStale },
      {
        label: "Random", chosen: seed !== null, hint: seed === null ? undefined : `seed ${seed}`,
        title: "Another order each time it is chosen", run: choose(newOrder()),
      },
      ...(fixed
        ? []
        : [
            { label: capital(up), group: "Direction", chosen: !descending, run: choose(field) },
            { label: capital(down), group: "Direction", chosen: descending, run: choose(`-${field}`) },
          ]),
      ...fields.map(({ name, title, group }) => ({
        label: title, ...underHeading(group), chosen: seed === null && field === name, run: choose(HIGH_FIRST.has(name) ? `-${name}` : name),
      })),
    ];
  }
}

function newOrder() {
  return `random:${1 + Math.floor(Math.random() * SEEDS)}`;
}

/** @param {string} text */
function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
