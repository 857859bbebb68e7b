// The planes of a stack: a slider, and the maximum of all.
import { h } from "../controls/dom.js";

/** @typedef {import("./pixels.js").Plane} Plane */

/**
 * The plane to show of an image.
 * @param {number | "max" | "middle"} plane   that is wished
 * @param {number} count                      of planes that the image has
 * @returns {Plane}
 */
export function planeOf(plane, count) {
  if (count <= 1) return 0;
  if (plane === "max") return "max";
  return plane === "middle" ? Math.floor(count / 2) : Math.min(Math.max(0, plane), count - 1);
}

/** @param {Plane} plane @param {number} count */
export function planeText(plane, count) {
  return plane === "max" ? `Maximum of ${count} planes` : `Plane ${plane + 1} of ${count}`;
}

export class PlaneBar {
  /** @param {{ choose: (plane: Plane) => void, share: (plane: Plane) => void }} wiring   share: show it in the grid too */
  constructor({ choose, share }) {
    /** @type {Plane} */
    this.plane = 0;
    this.count = 1;
    /** The single plane that was shown last, to which the maximum's button goes back. */
    this.single = 0;
    this.choose = choose;
    this.slider = h("input", {
      type: "range", className: "pxw-plane-slider", min: "0", step: "1", "aria-label": "Plane",
      oninput: () => choose(Number(this.slider.value)),
    });
    this.text = h("span", { className: "pxw-plane-text" });
    this.maximum = h("button", { type: "button", className: "pxw-button", title: "The brightest value of all planes", onclick: () => choose(this.plane === "max" ? this.single : "max") }, "Max");
    this.share = h("button", { type: "button", className: "pxw-button", title: "Show this plane of all images in the grid", onclick: () => share(this.plane) }, "Use in grid");
    this.element = h("div", { className: "pxw-planes", role: "group", "aria-label": "Planes" }, this.slider, this.text, this.maximum, this.share);
  }

  /** @param {-1 | 1} by */
  step(by) {
    if (this.count <= 1) return;
    this.choose(planeOf((this.plane === "max" ? this.single : this.plane) + by, this.count));
  }

  /**
   * @param {Plane} plane
   * @param {number} count
   * @param {boolean} shared   whether the grid shows this plane
   */
  draw(plane, count, shared) {
    this.plane = plane;
    this.count = count;
    if (plane !== "max") this.single = plane;
    this.element.hidden = count <= 1;
    this.slider.max = String(count - 1);
    this.slider.value = String(this.single);
    this.slider.classList.toggle("pxw-idle", plane === "max");
    const text = planeText(plane, count);
    this.slider.setAttribute("aria-valuetext", text);
    this.text.textContent = text;
    this.maximum.setAttribute("aria-pressed", String(plane === "max"));
    this.share.hidden = shared;
  }
}
