// A small dialog that belongs to a button: the widget goes on beside it.
import { h, icon } from "./dom.js";
import { float } from "./floating.js";

/**
 * @param {HTMLElement} root     the widget; the popover lives in it
 * @param {HTMLElement} anchor   the button that opened it
 * @param {HTMLElement} content
 * @param {string} label         its title, and its name for screen readers
 * @param {() => void} [closed]  called once when it has gone
 * @returns {() => void} closes it, and gives the focus back
 */
export function openPopover(root, anchor, content, label, closed) {
  const closer = h(
    "button",
    { type: "button", className: "pxw-tool pxw-popover-close", "aria-label": "Close", title: "Close (Esc)", onclick: () => close(true) },
    icon("cross"),
  );
  const popover = h(
    "div",
    { className: "pxw-popover", tabIndex: -1, role: "dialog", "aria-label": label },
    h("div", { className: "pxw-popover-head" }, h("h4", {}, label), closer),
    content,
  );
  const close = float(root, popover, anchor);
  if (closed) popover.addEventListener("pxw-closed", closed, { once: true });
  popover.addEventListener("keydown", (event) => {
    // Digits and letters are written here, they label nothing.
    event.stopPropagation();
    if (event.key === "Escape") {
      event.preventDefault();
      close(true);
    } else if (event.key === "Tab" && leaves(popover, event.shiftKey)) {
      event.preventDefault();
      close(true);
    }
  });
  focusFirst(content, closer);
  return () => close(true);
}

/**
 * Put the focus on what a popover is about.
 * @param {HTMLElement} content
 * @param {HTMLElement} [fallback]
 */
export function focusFirst(content, fallback) {
  const first = stops(content)[0] ?? fallback;
  first?.focus({ preventScroll: true });
}

/** @param {HTMLElement} element @returns {HTMLElement[]} */
function stops(element) {
  const all = /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("input, button, select, textarea"));
  return [...all].filter((each) => each.tabIndex >= 0 && !(/** @type {HTMLInputElement} */ (each).disabled) && each.offsetParent);
}

/**
 * Whether Tab goes out of a popover: it stands at the end of the widget, far from the button to which it belongs.
 * @param {HTMLElement} popover
 * @param {boolean} back
 */
function leaves(popover, back) {
  const all = stops(popover);
  return document.activeElement === (back ? all[0] : all.at(-1));
}
