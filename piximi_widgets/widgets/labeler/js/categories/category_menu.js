// What the menu of a category offers.
/** @typedef {import("../controls/menu.js").Item} Item */
/** @typedef {import("../types.js").Category} Category */

/**
 * @param {Category} category   with the id 0 for the images without a label
 * @param {{ index: number, count: number, key: string, alone: boolean, editable: boolean }} state   index and count: in the list
 * @param {Record<"show" | "select" | "rename" | "recolor" | "key" | "up" | "down" | "merge" | "remove", () => void>} run
 * @returns {Item[]}
 */
export function categoryMenu(category, { index, count, key, alone, editable }, run) {
  const images = [
    { label: alone ? "Show all images" : "Show only these", run: run.show },
    { label: "Select these", run: run.select },
  ];
  if (!category.id || !editable) return images;
  return [
    ...images,
    { label: "Rename…", hint: "F2", divided: true, run: run.rename },
    { label: "Change colour…", run: run.recolor },
    { label: "Change key…", hint: key.toUpperCase(), run: run.key },
    { label: "Move up", hint: "Alt ↑", disabled: index === 0, run: run.up },
    { label: "Move down", hint: "Alt ↓", disabled: index === count - 1, run: run.down },
    { label: "Merge into…", divided: true, disabled: count < 2, run: run.merge },
    { label: "Delete…", hint: "Del", run: run.remove },
  ];
}
