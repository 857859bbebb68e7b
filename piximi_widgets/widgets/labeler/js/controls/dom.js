// Making elements. Text is always set as text: names come from strangers' files.

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element with properties, attributes (`aria-…`, `data-…`, `role`, `for`) and listeners (`onclick`).
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, String(value));
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, String(text));
    else /** @type {any} */ (element)[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map((child) => /** @type {Node | string} */ (child)));
  return element;
}

const PATHS = {
  undo: "M6 3.5 2.5 7 6 10.5M3 7h6.5a4 4 0 0 1 0 8H7",
  redo: "M10 3.5 13.5 7 10 10.5M13 7H6.5a4 4 0 0 0 0 8H9",
  check: "m3 8.5 3.2 3.2L13 5",
  cross: "m4 4 8 8m0-8-8 8",
  plus: "M8 3v10M3 8h10",
  down: "m4.5 6.5 3.5 3.5 3.5-3.5",
  small: "M3 3h4v4H3zM9 3h4v4H9zM3 9h4v4H3zM9 9h4v4H9z",
  large: "M2.5 2.5h11v11h-11z",
  filter: "M2.5 4h11M4.5 8h7M6.5 12h3",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  cloudOff: "M5 12.5h6.3a2.7 2.7 0 0 0 .6-5.3A4 4 0 0 0 4.6 6.4 3.1 3.1 0 0 0 5 12.5M2.5 2.5l11 11",
  broken: "M2.5 3h11v10h-11zM2.5 10.5l3.2-3 2.3 2.2 1.6-1.4 3.9 3.4M9.5 3 8 6l2 1.5-1 2",
};

/**
 * A line drawing of 16 by 16.
 * @param {keyof typeof PATHS} name
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "pxw-icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** @param {string} text */
export function key(text) {
  return h("kbd", { className: "pxw-key" }, text);
}

let numbered = 0;

/** An id that no other element of the page has. @param {string} stem */
export function uniqueId(stem) {
  return `pxw-${stem}-${(numbered += 1)}-${Math.random().toString(36).slice(2, 7)}`;
}
