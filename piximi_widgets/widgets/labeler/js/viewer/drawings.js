// The line drawings that only the viewer has.
import { icon } from "../controls/dom.js";

const PATHS = {
  left: "M10 3 5 8l5 5",
  right: "m6 3 5 5-5 5",
  minus: "M3 8h10",
  plus: "M8 3v10M3 8h10",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  channels: "M3 13V8M3 5V3M8 13V11M8 8V3M13 13V6M13 3v0M1.5 6.5h3M6.5 9.5h3M11.5 4.5h3",
  eye: "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6",
  eyeOff: "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8M3 13.5 13 2.5",
};

/** @param {keyof typeof PATHS} name */
export function drawing(name) {
  const svg = icon("cross");
  svg.firstElementChild?.setAttribute("d", PATHS[name]);
  return svg;
}

/**
 * Show another drawing in a button.
 * @param {HTMLElement} button
 * @param {keyof typeof PATHS} name
 */
export function redraw(button, name) {
  button.querySelector("path")?.setAttribute("d", PATHS[name]);
}
