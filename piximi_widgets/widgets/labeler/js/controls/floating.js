// What floats over the widget, menus and popovers: where it stands, and what takes it away.

/** @typedef {{ left: number, top: number, bottom?: number }} Place   in pixels of the page's window */

const MARGIN = 4;

/**
 * Show an element over the widget, one at a time, until it is closed or a press falls elsewhere.
 * @param {HTMLElement} root    the widget; the element lives in it
 * @param {HTMLElement} element
 * @param {Place | HTMLElement} at   a point, or the button to which it belongs
 * @returns {(refocus: boolean) => void} closes it; the focus can go back to where it was
 */
export function float(root, element, at) {
  dismiss(root);
  const anchor = at instanceof HTMLElement ? at : null;
  const active = /** @type {HTMLElement | null} */ (root.ownerDocument.activeElement);
  const opener = active && root.contains(active) ? active : anchor;
  element.classList.add("pxw-floating");
  root.append(element);
  anchor?.setAttribute("aria-expanded", "true");

  // A chip may go while its popover is open: the popover stays where it was.
  let box = /** @type {Place} */ (anchor ? anchor.getBoundingClientRect() : at);
  const settle = () => {
    if (anchor?.isConnected) box = anchor.getBoundingClientRect();
    place(root, element, box);
  };
  settle();
  const sizes = new ResizeObserver(settle);
  if (anchor) {
    sizes.observe(element);
    sizes.observe(root);
  }

  const outside = (/** @type {Event} */ event) => {
    const target = /** @type {Node} */ (event.target);
    if (!element.contains(target) && !anchor?.contains(target)) close(false);
  };
  let open = true;
  /** @param {boolean} refocus */
  function close(refocus) {
    if (!open) return;
    open = false;
    document.removeEventListener("pointerdown", outside, true);
    sizes.disconnect();
    element.remove();
    anchor?.setAttribute("aria-expanded", "false");
    element.dispatchEvent(new Event("pxw-closed"));
    if (!refocus) return;
    const next = opener?.isConnected ? opener : root.querySelector(".pxw-grid");
    /** @type {HTMLElement | null} */ (next)?.focus({ preventScroll: true });
  }
  element.addEventListener("pxw-dismiss", () => close(false));
  document.addEventListener("pointerdown", outside, true);
  return close;
}

/** Whether the menu or popover of a button is open. @param {HTMLElement} anchor */
export function isOpen(anchor) {
  return anchor.getAttribute("aria-expanded") === "true";
}

/** Close whatever floats over a widget. @param {HTMLElement} root */
export function dismiss(root) {
  root.querySelectorAll(".pxw-floating").forEach((each) => each.dispatchEvent(new Event("pxw-dismiss")));
}

/**
 * Below the place if it fits there, else above it, always inside the widget.
 * @param {HTMLElement} root
 * @param {HTMLElement} element
 * @param {Place} at
 */
function place(root, element, at) {
  const frame = root.getBoundingClientRect();
  const { offsetHeight: height, offsetWidth: width } = element;
  const below = (at.bottom ?? at.top) + MARGIN - frame.top;
  const above = at.top - MARGIN - frame.top - height;
  const top = below + height <= frame.height || above < 0 ? Math.max(MARGIN, Math.min(below, frame.height - height - MARGIN)) : above;
  element.style.top = `${top}px`;
  element.style.left = `${Math.max(MARGIN, Math.min(at.left - frame.left, frame.width - width - MARGIN))}px`;
}
