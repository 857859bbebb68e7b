// How a person likes to label: what is chosen here is kept.
import { isHiddenWhenBlind } from "./wording.js";
import { parsedOrder } from "../state/order.js";

/** @typedef {import("../state/store.js").Store} Store */

/**
 * @param {Store} store
 * @param {() => void} help
 * @returns {import("../controls/menu.js").Item[]}
 */
export function viewItems(store, help) {
  const { advance, blind } = store.preferences;
  return [
    {
      label: "Move on after labeling", checked: advance, title: "A label selects the next unlabeled image",
      run: () => {
        store.setPreference("advance", !advance);
        store.announce(advance ? "Labeling stays where it is." : "A label moves on to the next unlabeled image.");
      },
    },
    {
      label: "Blind mode", checked: blind, title: "Hides names, the labels of others, and predictions",
      run: () => {
        if (!blind) forgetHidden(store);
        store.setPreference("blind", !blind);
        store.announce(blind ? "Blind mode is off." : "Blind mode: names, labels of others and predictions are hidden.");
      },
    },
    { label: "Keyboard shortcuts", hint: "H", divided: true, run: help },
  ];
}

/**
 * What is hidden must not show through the filter or the order. A query can be about anything.
 * @param {Pick<Store, "filter" | "order" | "setFilter" | "setOrder">} store
 */
export function forgetHidden(store) {
  const kept = store.filter.filter((clause) => !("query" in clause) && !isHiddenWhenBlind(clause.field));
  if (kept.length < store.filter.length) store.setFilter(kept);
  if (isHiddenWhenBlind(parsedOrder(store.order).field)) store.setOrder("");
}
