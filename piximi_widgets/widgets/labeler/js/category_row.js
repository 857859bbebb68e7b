// One line of the category list: colour, name, count and key.
import { counted } from "./commands.js";
import { h, icon, key } from "./dom.js";

/**
 * @param {import("./types.js").Category} category   with the id 0 for the images without a label
 * @param {{ id: string, count: number, hint: string, active: boolean, filtered: boolean, common: boolean }} state
 *   common: the selected images all have it
 */
export function categoryRow(category, { id, count, hint, active, filtered, common }) {
  const unlabeled = category.id === 0;
  const swatch = h("span", {
    className: `pxw-swatch${unlabeled ? " pxw-none" : ""}`,
    style: { "--pxw-category": category.color || "transparent" },
    title: unlabeled ? "" : "Change the colour",
  });
  // For the mouse; keys open the same menu, so that the option has no control inside.
  const more = h("span", { className: "pxw-more", title: "More", "aria-hidden": "true" }, icon("more"));
  const row = h(
    "div",
    {
      id,
      className: "pxw-category",
      role: "option",
      "aria-selected": String(common),
      "aria-label": `${category.name}, ${counted(count)}${hint ? `, key ${hint}` : ""}`,
      title: unlabeled ? "Remove the label of the selected images" : `Label the selected images ${category.name}`,
    },
    swatch,
    h("span", { className: "pxw-category-name" }, category.name),
    more,
    h("span", { className: "pxw-count" }, count.toLocaleString("en")),
    hint ? key(hint) : h("span", { className: "pxw-key pxw-nokey" }),
  );
  for (const [name, on] of Object.entries({ active, unlabeled, filtered, common })) row.classList.toggle(`pxw-${name}`, on);
  return { row, swatch, more };
}
