// The canvas, and what pointer and wheel do on it: zoom, pan, pinch, and telling where the pointer is.
import { clampView, fitScale, fitted, nextScale, pan, toImage, zoomAround } from "./geometry.js";
import { h } from "../controls/dom.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./geometry.js").Size} Size */

export class Picture {
  /** @param {{ changed: () => void, hovered: (place: Point | null) => void }} wiring */
  constructor({ changed, hovered }) {
    this.changed = changed;
    this.hovered = hovered;
    this.canvas = h("canvas", { className: "pxw-viewer-canvas", "aria-hidden": "true" });
    this.element = h("div", { className: "pxw-viewer-picture" }, this.canvas);
    /** @type {Size | null} */
    this.image = null;
    this.view = { scale: 1, x: 0, y: 0 };
    this.fits = true;
    /** @type {Map<number, Point>} */
    this.pointers = new Map();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
    this.listen();
  }

  get ratio() {
    return globalThis.devicePixelRatio || 1;
  }

  /**
   * Show an image of this size: at the same place as the one before where they are of one size, else all of it.
   * @param {Size} size
   */
  show({ width, height }) {
    const same = this.image?.width === width && this.image.height === height;
    this.image = { width, height };
    if (same) return;
    this.fit();
  }

  resize() {
    const { clientWidth, clientHeight } = this.element;
    const width = Math.round(clientWidth * this.ratio);
    const height = Math.round(clientHeight * this.ratio);
    if (!width || !height || (width === this.canvas.width && height === this.canvas.height)) return;
    this.canvas.width = width;
    this.canvas.height = height;
    if (this.fits) this.fit();
    else if (this.image) this.set(clampView(this.view, this.image, this.canvas));
  }

  /** @param {import("./geometry.js").View} view */
  set(view) {
    this.view = view;
    this.fits = this.image !== null && Math.abs(view.scale / fitScale(this.image, this.canvas) - 1) < 1e-6;
    this.changed();
  }

  fit() {
    if (this.image) this.set(clampView(fitted(this.image, this.canvas), this.image, this.canvas));
  }

  /** @param {number} scale @param {Point} [at] */
  zoomTo(scale, at = { x: this.canvas.width / 2, y: this.canvas.height / 2 }) {
    if (this.image) this.set(zoomAround(this.view, scale, at, this.image, this.canvas));
  }

  /** @param {1 | -1} direction */
  zoom(direction) {
    this.zoomTo(nextScale(this.view.scale, direction));
  }

  /** Between all of the image and one to one. @param {Point} [at] */
  toggle(at) {
    if (this.fits) this.zoomTo(1, at);
    else this.fit();
  }

  /** Move the view by shares of the canvas. @param {number} right @param {number} down */
  panBy(right, down) {
    if (this.image) this.set(pan(this.view, { x: -right * this.canvas.width, y: -down * this.canvas.height }, this.image, this.canvas));
  }

  /** @param {MouseEvent} event @returns {Point} */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) * this.ratio, y: (event.clientY - box.top) * this.ratio };
  }

  listen() {
    const { element } = this;
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("dblclick", (event) => this.toggle(this.at(event)));
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.pointers.set(event.pointerId, this.at(event));
      element.setPointerCapture(event.pointerId);
      element.classList.add("pxw-dragging");
    });
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
      element.addEventListener(kind, (event) => {
        this.pointers.delete(event.pointerId);
        element.classList.toggle("pxw-dragging", this.pointers.size > 0);
      });
    }
    element.addEventListener("pointerleave", () => this.hovered(null));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
    // A pinch on a touch pad comes as a wheel with Ctrl, in small steps.
    const scale = this.view.scale * Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0016));
    const before = this.view.scale;
    this.zoomTo(scale, this.at(event));
    // At the end of the zoom out the wheel is the page's again.
    if (this.view.scale !== before || pixels < 0 || event.ctrlKey) event.preventDefault();
    this.tell(event);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    const now = this.at(event);
    if (before && this.image) {
      const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      this.pointers.set(event.pointerId, now);
      const by = { x: now.x - before.x, y: now.y - before.y };
      if (!others.length) {
        this.set(pan(this.view, by, this.image, this.canvas));
      } else {
        const [other] = others;
        const apart = Math.hypot(before.x - other.x, before.y - other.y);
        const factor = apart > 1 ? Math.hypot(now.x - other.x, now.y - other.y) / apart : 1;
        this.zoomTo(this.view.scale * factor, other);
      }
    }
    this.tell(event);
  }

  /** @param {MouseEvent} event */
  tell(event) {
    if (!this.image) return;
    const { x, y } = toImage(this.view, this.canvas, this.at(event));
    const inside = x >= 0 && y >= 0 && x < this.image.width && y < this.image.height;
    this.hovered(inside ? { x: Math.floor(x), y: Math.floor(y) } : null);
  }

  close() {
    this.observer.disconnect();
  }
}
