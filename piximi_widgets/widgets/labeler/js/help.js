// The overlay that shows every shortcut.
import { h, icon, key } from "./controls/dom.js";
import { isApple, shortcutGroups, strokeOf } from "./shortcuts.js";

/**
 * @param {HTMLElement} root
 * @param {import("./state/store.js").Store} store
 * @returns {() => void} opens it, or closes it when it is open
 */
export function makeHelp(root, store) {
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
    const groups = shortcutGroups(isApple(navigator.platform), store.categories).map(({ title, entries }) =>
      h(
        "section",
        { className: "pxw-shortcuts" },
        h("h4", {}, title),
        h("dl", {}, ...entries.flatMap(({ keys, text }) => [h("dt", {}, ...keys.map(pressedTogether)), h("dd", {}, text)])),
      ),
    );
    // It may be higher than the widget: arrows scroll what has the focus.
    const list = h("div", { className: "pxw-help-groups", tabIndex: 0, role: "group", "aria-label": "Shortcuts" }, ...groups);
    overlay = h(
      "div",
      {
        className: "pxw-overlay",
        onclick: (/** @type {Event} */ event) => event.target === overlay && close(),
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          event.stopPropagation();
          const command = strokeOf(event)?.command;
          if (command === "escape" || command === "help") {
            event.preventDefault();
            close();
          } else if (event.key === "Tab") {
            event.preventDefault();
            (document.activeElement === list ? closer : list).focus();
          }
        },
      },
      h(
        "div",
        { className: "pxw-help", tabIndex: -1, role: "dialog", "aria-modal": "true", "aria-label": "Keyboard shortcuts" },
        h("header", {}, h("h3", {}, "Keyboard shortcuts"), closer),
        list,
      ),
    );
    root.append(overlay);
    list.focus({ preventScroll: true });
  }

  return () => (overlay ? close() : open());
}

/** @param {string[]} keys */
function pressedTogether(keys) {
  return h("span", { className: "pxw-together" }, ...keys.map(key));
}
