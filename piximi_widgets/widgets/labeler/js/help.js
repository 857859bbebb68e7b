// The overlay that shows every shortcut.
import { h, icon, key } from "./dom.js";
import { isApple, shortcutGroups } from "./shortcuts.js";

/**
 * @param {HTMLElement} root
 * @returns {() => void} opens it, or closes it when it is open
 */
export function makeHelp(root) {
  /** @type {HTMLElement | null} */
  let overlay = null;
  /** @type {HTMLElement | null} */
  let opener = null;

  function close() {
    overlay?.remove();
    overlay = null;
    opener?.focus({ preventScroll: true });
  }

  function open() {
    opener = /** @type {HTMLElement | null} */ (document.activeElement);
    const closer = h("button", { type: "button", className: "pxw-tool", "aria-label": "Close", title: "Close (Esc)", onclick: close }, icon("cross"));
    const groups = shortcutGroups(isApple(navigator.platform)).map(({ title, entries }) =>
      h(
        "section",
        { className: "pxw-shortcuts" },
        h("h4", {}, title),
        h("dl", {}, ...entries.flatMap(([keys, text]) => [h("dt", {}, ...keys.map(key)), h("dd", {}, text)])),
      ),
    );
    overlay = h(
      "div",
      {
        className: "pxw-overlay",
        onclick: (/** @type {Event} */ event) => event.target === overlay && close(),
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          event.stopPropagation();
          if (event.key === "Escape" || event.key === "?") close();
          // There is one thing to focus; Tab stays on it.
          if (event.key === "Tab" || event.key === "?") event.preventDefault();
        },
      },
      h(
        "div",
        { className: "pxw-help", role: "dialog", "aria-modal": "true", "aria-label": "Keyboard shortcuts" },
        h("header", {}, h("h3", {}, "Keyboard shortcuts"), closer),
        h("div", { className: "pxw-help-groups", tabIndex: -1 }, ...groups),
      ),
    );
    root.append(overlay);
    closer.focus({ preventScroll: true });
  }

  return () => (overlay ? close() : open());
}
