// A small menu that opens at a button or a point, and goes with Esc, a choice, or a press elsewhere.
import { h, icon } from "./dom.js";
import { dismiss, float, isOpen } from "./floating.js";

/**
 * @typedef {object} Item
 * @property {string} label
 * @property {() => void} run
 * @property {string} [color]
 * @property {string} [hint]       at the right: a key, or a number
 * @property {string} [title]      a sentence more, shown on hovering
 * @property {boolean} [checked]   can be on or off
 * @property {boolean} [chosen]    one of several, of which one is chosen
 * @property {boolean} [disabled]
 * @property {boolean} [divided]   a line above
 * @property {string} [group]      the heading above this item and those of the same group that follow
 */

const TYPING_PAUSE = 700;
/** More items than these stand in two columns, where there is room. */
const LONG = 16;

/**
 * @param {HTMLElement} root    the widget; the menu lives in it
 * @param {import("./floating.js").Place | HTMLElement} at   a point in the page's window, or the button that opens it
 * @param {Item[]} items
 * @param {string} label
 * @returns {() => void} closes it
 */
export function openMenu(root, at, items, label) {
  const buttons = items.map((item) => itemButton(item, () => close(true)));
  const wide = items.length > LONG ? " pxw-wide" : "";
  const menu = h("div", { className: `pxw-menu${wide}`, role: "menu", "aria-label": label }, ...grouped(items, buttons));
  const close = float(root, menu, at);
  let typed = "";
  let typedAt = 0;
  menu.addEventListener("keydown", (event) => {
    const here = buttons.indexOf(/** @type {any} */ (document.activeElement));
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: -1 });
    event.stopPropagation();
    if (event.key in steps) {
      event.preventDefault();
      buttons.at(steps[event.key] % buttons.length)?.focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close(true);
    } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey) {
      typed = event.timeStamp - typedAt < TYPING_PAUSE ? typed + event.key.toLowerCase() : event.key.toLowerCase();
      typedAt = event.timeStamp;
      const found = itemTyped(items.map((item) => item.label), typed, here);
      if (found >= 0) buttons[found].focus();
    }
  });
  const first = items.findIndex((item) => item.chosen);
  buttons[Math.max(first, 0)]?.focus({ preventScroll: true });
  buttons[first]?.scrollIntoView({ block: "nearest" });
  return () => close(false);
}

/**
 * A button that opens a menu below itself, and closes it when pressed again.
 * @param {HTMLElement} root
 * @param {Record<string, any>} properties   of the button; its `aria-label`, or else its text, names the menu
 * @param {() => Item[]} items
 * @param {...import("./dom.js").Child} face
 */
export function menuButton(root, properties, items, ...face) {
  const button = h(
    "button",
    {
      type: "button", "aria-haspopup": "menu", "aria-expanded": "false", ...properties,
      onclick: () => {
        if (isOpen(button)) dismiss(root);
        else openMenu(root, button, items(), button.getAttribute("aria-label") ?? button.textContent ?? "");
      },
      // The mouse leaves the focus on the images, to which it goes back after the choice.
      onmousedown: (/** @type {Event} */ event) => event.preventDefault(),
    },
    ...face,
  );
  return button;
}

/**
 * @param {Item} item
 * @param {() => void} close
 */
function itemButton(item, close) {
  const state = item.chosen ?? item.checked;
  const role = item.chosen !== undefined ? "menuitemradio" : item.checked !== undefined ? "menuitemcheckbox" : "menuitem";
  return h(
    "button",
    {
      type: "button", className: `pxw-item${item.divided ? " pxw-divided" : ""}`, tabIndex: -1, role, title: item.title,
      "aria-checked": state === undefined ? undefined : String(state),
      "aria-disabled": item.disabled ? "true" : undefined,
      onclick: () => {
        if (item.disabled) return;
        close();
        item.run();
      },
    },
    state === undefined ? null : h("span", { className: "pxw-item-mark" }, state ? icon("check") : null),
    item.color ? h("span", { className: "pxw-swatch", style: { "--pxw-category": item.color } }) : null,
    h("span", { className: "pxw-item-label" }, item.label),
    item.hint ? h("span", { className: "pxw-item-hint" }, item.hint) : null,
  );
}

/**
 * @param {Item[]} items
 * @param {HTMLElement[]} buttons
 */
function grouped(items, buttons) {
  /** @type {HTMLElement[]} */
  const parts = [];
  items.forEach(({ group }, at) => {
    if (!group) parts.push(buttons[at]);
    else if (group === items[at - 1]?.group) parts[parts.length - 1].append(buttons[at]);
    else parts.push(h("div", { role: "group", "aria-label": group }, h("div", { className: "pxw-item-group", "aria-hidden": "true" }, group), buttons[at]));
  });
  return parts;
}

/**
 * The item that typed letters mean, or -1: one letter goes on to the next item with it.
 * @param {string[]} labels
 * @param {string} typed   in small letters
 * @param {number} here    the item with the focus
 */
export function itemTyped(labels, typed, here) {
  const from = typed.length === 1 ? here + 1 : Math.max(here, 0);
  for (let step = 0; step < labels.length; step++) {
    const at = (from + step) % labels.length;
    if (labels[at].toLowerCase().startsWith(typed)) return at;
  }
  return -1;
}
