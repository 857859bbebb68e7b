// The menu of what can be selected at once, of the images that are shown.

/** @typedef {import("../commands.js").Commands} Commands */
/** @typedef {import("../state/store.js").Store} Store */

/**
 * @param {Store} store
 * @param {Commands} commands
 * @returns {import("../controls/menu.js").Item[]}
 */
export function selectItems(store, commands) {
  const counts = countShown(store);
  const total = store.visible.length;
  const number = (/** @type {number} */ count) => count.toLocaleString("en");
  const byCategory = (/** @type {number} */ id, /** @type {string} */ label, /** @type {string} */ color) => {
    const count = counts.get(id) ?? 0;
    return { label, color, group: "By category", hint: number(count), disabled: !count, run: () => commands.selectCategory(id) };
  };
  return [
    { label: "All shown", hint: `${number(total)} · Ctrl+A`, disabled: !total, run: () => commands.selectAll() },
    { label: "None", hint: "Esc", disabled: !store.selection.size, run: () => commands.selectIds(new Float64Array(0)) },
    { label: "Invert", hint: `${number(total - store.selection.size)} · Ctrl+I`, disabled: !total, run: () => commands.invert() },
    ...store.categories.map((category) => byCategory(category.id, category.name, category.color)),
    byCategory(0, "Unlabeled", ""),
  ];
}

/**
 * How many of the images that are shown have each category; 0 for none.
 * @param {Pick<Store, "visible" | "category">} store
 */
export function countShown({ visible, category }) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const row of visible) counts.set(category[row], (counts.get(category[row]) ?? 0) + 1);
  return counts;
}
