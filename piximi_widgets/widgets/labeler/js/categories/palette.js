// Choosing a colour: a palette safe for colour-blind eyes first, the browser's own dialog for any other.
import { colorName, inkOn, PALETTE } from "./color.js";
import { h, icon } from "../controls/dom.js";

const COLUMNS = 8;

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS };

/**
 * Where a key leads in the palette; -1 where it leads nowhere.
 * @param {number} here
 * @param {string} key
 * @param {number} count
 */
export function paletteStep(here, key, count) {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const target = here + (STEPS[key] ?? count);
  return target >= 0 && target < count ? target : -1;
}

/**
 * Who has which colour.
 * @param {{ name: string, color: string }[]} categories
 * @returns {Map<string, string[]>}   names by colour, in small letters
 */
export function colorsInUse(categories) {
  /** @type {Map<string, string[]>} */
  const used = new Map();
  for (const { name, color } of categories) used.set(color.toLowerCase(), [...(used.get(color.toLowerCase()) ?? []), name]);
  return used;
}

/**
 * @param {{ name: string, color: string }} category
 * @param {{ name: string, color: string }[]} others   whose colours are marked as taken
 * @param {(color: string) => void} choose
 */
export function palette(category, others, choose) {
  const used = colorsInUse(others);
  const current = PALETTE.indexOf(category.color.toLowerCase());
  const buttons = PALETTE.map((color, index) => {
    const owners = used.get(color);
    const words = `${colorName(color)}${owners ? `, used by ${owners.join(", ")}` : ""}`;
    return h(
      "button",
      {
        type: "button", className: "pxw-color-choice", tabIndex: index === Math.max(current, 0) ? 0 : -1, role: "option",
        "aria-selected": String(index === current), "aria-label": words, title: words,
        style: { "--pxw-category": color, "--pxw-ink-on": inkOn(color) }, onclick: () => choose(color),
      },
      index === current ? icon("check") : owners ? h("span", { className: "pxw-color-used" }) : null,
    );
  });
  const choices = h(
    "div",
    {
      className: "pxw-palette", role: "listbox", "aria-label": "Colours that colour-blind eyes tell apart",
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const target = paletteStep(buttons.indexOf(/** @type {any} */ (document.activeElement)), event.key, buttons.length);
        if (target < 0) return;
        event.preventDefault();
        for (const [index, button] of buttons.entries()) button.tabIndex = index === target ? 0 : -1;
        buttons[target].focus();
      },
    },
    ...buttons,
  );
  const input = h("input", { className: "pxw-color", type: "color", value: category.color, onchange: () => choose(input.value) });
  const taken = used.size ? h("p", { className: "pxw-palette-note" }, "A dot marks the colours of other categories.") : null;
  return h("div", { className: "pxw-popover-body" }, choices, taken, h("label", { className: "pxw-other-color" }, input, "Other colour…"));
}
