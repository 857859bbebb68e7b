// A small menu that opens at an element or a point, and goes with Esc, a choice, or a click elsewhere.
import { h } from "./dom.js";

/**
 * @typedef {object} Item
 * @property {string} label
 * @property {() => void} run
 * @property {string} [color]
 * @property {string} [hint]
 * @property {boolean} [checked]
 * @property {boolean} [divided]   a line above
 */

/**
 * @param {HTMLElement} root    the widget; the menu lives in it
 * @param {{ left: number, top: number, bottom?: number }} at   in pixels of the page's window
 * @param {Item[]} items
 * @param {string} label
 * @returns {() => void} closes it
 */
export function openMenu(root, at, items, label) {
  root.querySelectorAll(".pxw-menu").forEach((menu) => menu.dispatchEvent(new Event("pxw-dismiss")));
  const opener = /** @type {HTMLElement | null} */ (root.ownerDocument.activeElement);
  const checkable = items.some((item) => item.checked !== undefined);
  const buttons = items.map((item) =>
    h(
      "button",
      {
        type: "button", className: `pxw-item${item.divided ? " pxw-divided" : ""}`, tabIndex: -1,
        role: checkable ? "menuitemradio" : "menuitem",
        "aria-checked": checkable ? String(item.checked ?? false) : undefined,
        onclick: () => {
          close(true);
          item.run();
        },
      },
      item.color ? h("span", { className: "pxw-swatch", style: { "--pxw-category": item.color } }) : null,
      h("span", { className: "pxw-item-label" }, item.label),
      item.hint ? h("span", { className: "pxw-item-hint" }, item.hint) : null,
    ),
  );
  const menu = h("div", { className: "pxw-menu", role: "menu", "aria-label": label }, ...buttons);
  root.append(menu);
  place(root, menu, at);

  const outside = (/** @type {Event} */ event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) close(false);
  };
  let open = true;
  /** @param {boolean} refocus */
  function close(refocus) {
    if (!open) return;
    open = false;
    document.removeEventListener("pointerdown", outside, true);
    menu.remove();
    if (refocus) opener?.focus({ preventScroll: true });
  }
  menu.addEventListener("pxw-dismiss", () => close(false));
  menu.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(/** @type {any} */ (document.activeElement));
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 });
    event.stopPropagation();
    if (event.key in steps) {
      event.preventDefault();
      buttons.at(steps[event.key] % buttons.length)?.focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close(true);
    } else if (event.key.length === 1 && event.key !== " ") {
      const initial = event.key.toLowerCase();
      buttons.find((_, index) => items[index].label.toLowerCase().startsWith(initial))?.focus();
    }
  });
  document.addEventListener("pointerdown", outside, true);
  (buttons[items.findIndex((item) => item.checked)] ?? buttons[0])?.focus({ preventScroll: true });
  return () => close(false);
}

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} menu
 * @param {{ left: number, top: number, bottom?: number }} at
 */
function place(root, menu, at) {
  const frame = root.getBoundingClientRect();
  const height = menu.offsetHeight;
  const below = (at.bottom ?? at.top) + 4 - frame.top;
  const above = at.top - 4 - frame.top - height;
  const top = below + height <= frame.height || above < 0 ? Math.max(4, Math.min(below, frame.height - height - 4)) : above;
  const left = Math.max(4, Math.min(at.left - frame.left, frame.width - menu.offsetWidth - 4));
  menu.style.top = `${top}px`;
  menu.style.left = `${left}px`;
}
