// Two handles over a histogram: the values that are shown as black and as full colour.
import { h } from "../controls/dom.js";
import { moved, outline } from "./histogram.js";
import { digits } from "./scalebar.js";

/** @typedef {import("./blend.js").Window} Window */
/** @typedef {import("./histogram.js").Statistics} Statistics */

const SVG = "http://www.w3.org/2000/svg";

export class WindowSlider {
  /** @param {{ preview: (window: Window) => void, commit: (window: Window) => void }} wiring */
  constructor({ preview, commit }) {
    this.preview = preview;
    this.commit = commit;
    /** @type {Window} */
    this.window = [0, 1];
    /** @type {Window} */
    this.domain = [0, 1];
    this.whole = false;
    /** The end that is being moved. @type {0 | 1 | null} */
    this.held = null;
    /** @type {Statistics | null} */
    this.drawn = null;
    /** @type {Window} */
    this.drawnIn = [0, 0];
    this.changedByKey = false;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 1 1");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("class", "pxw-histogram");
    svg.setAttribute("aria-hidden", "true");
    this.path = document.createElementNS(SVG, "path");
    svg.append(this.path);
    this.handles = /** @type {const} */ ([0, 1]).map((end) =>
      h("div", {
        className: `pxw-window-handle pxw-window-${end ? "high" : "low"}`, role: "slider", tabIndex: 0,
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event, end),
        onkeyup: () => this.settle(),
        onblur: () => this.settle(),
      }),
    );
    this.element = h("div", { className: "pxw-window" }, svg, h("div", { className: "pxw-window-range" }), ...this.handles);
    this.element.addEventListener("pointerdown", (event) => this.press(event));
    this.element.addEventListener("pointermove", (event) => this.drag(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
      this.element.addEventListener(kind, () => this.release());
    }
  }

  /**
   * @param {{ name: string, window: Window, domain: Window, whole: boolean, found: Statistics | null }} state
   */
  draw({ name, window, domain, whole, found }) {
    // What is under a finger keeps its scale.
    const moving = this.held !== null || this.changedByKey;
    if (!moving) this.domain = domain;
    this.window = window;
    this.whole = whole;
    const [least, most] = this.domain;
    if (this.drawn !== found || this.drawnIn !== this.domain) {
      this.drawn = found;
      this.drawnIn = this.domain;
      this.path.setAttribute("d", found ? outline(found, this.domain) : "");
    }
    this.handles.forEach((handle, end) => {
      const share = Math.min(1, Math.max(0, (window[end] - least) / (most - least)));
      this.element.style.setProperty(end ? "--pxw-high" : "--pxw-low", `${(share * 100).toFixed(2)}%`);
      handle.setAttribute("aria-label", `${name}: ${end ? "value shown as full colour" : "value shown as black"}`);
      handle.setAttribute("aria-valuemin", String(end ? window[0] : least));
      handle.setAttribute("aria-valuemax", String(end ? most : window[1]));
      handle.setAttribute("aria-valuenow", String(window[end]));
      handle.setAttribute("aria-valuetext", digits(window[end]));
    });
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const value = this.valueAt(event);
    const { window } = this;
    const middle = (window[0] + window[1]) / 2;
    this.held = value < middle ? 0 : 1;
    this.handles[this.held].focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.drag(event);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (this.held === null) return;
    this.move(this.held, this.valueAt(event));
  }

  release() {
    if (this.held === null) return;
    this.held = null;
    this.commit(this.window);
  }

  /** @param {PointerEvent} event */
  valueAt(event) {
    const box = this.element.getBoundingClientRect();
    return this.domain[0] + ((event.clientX - box.left) / box.width) * (this.domain[1] - this.domain[0]);
  }

  /**
   * @param {KeyboardEvent} event
   * @param {0 | 1} end
   */
  key(event, end) {
    const width = this.domain[1] - this.domain[0];
    const small = this.whole ? Math.max(1, Math.round(width / 200)) : width / 200;
    const step = event.shiftKey ? small * 10 : small;
    const value = this.window[end];
    const target = {
      ArrowLeft: value - step, ArrowDown: value - step, ArrowRight: value + step, ArrowUp: value + step,
      PageDown: value - small * 10, PageUp: value + small * 10, Home: this.domain[0], End: this.domain[1],
    }[event.key];
    if (target === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.changedByKey = true;
    this.move(end, target);
  }

  /**
   * @param {0 | 1} end
   * @param {number} value
   */
  move(end, value) {
    // Kept at once: the key may be let go before the next frame is drawn.
    this.window = moved(this.window, end, value, this.domain, this.whole);
    this.preview(this.window);
  }

  /** The key was let go. */
  settle() {
    if (!this.changedByKey) return;
    this.changedByKey = false;
    this.commit(this.window);
  }
}
