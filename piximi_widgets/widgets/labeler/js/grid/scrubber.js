// The position in the grid, at its right edge: shows where one is, and can be dragged to any place.
import { h } from "../controls/dom.js";

const SMALLEST_THUMB = 28;
const LINGER = 900;
/** From the stage's upper edge to the track's. */
const INSET = 4;

/**
 * Where the thumb lies on its track.
 * @param {number} track      its height
 * @param {number} part       how much of everything is seen, 0 to 1
 * @param {number} fraction   how far it is scrolled, 0 to 1
 */
export function thumbOf(track, part, fraction) {
  const height = Math.min(track, Math.max(SMALLEST_THUMB, track * part));
  return { height, top: (track - height) * fraction };
}

/**
 * How far to scroll for a thumb whose upper edge is at `top`.
 * @param {number} track
 * @param {number} height   of the thumb
 * @param {number} top
 */
export function fractionFor(track, height, top) {
  return track > height ? Math.max(0, Math.min(top / (track - height), 1)) : 0;
}

export class Scrubber {
  /**
   * @param {{ controls: string, go: (fraction: number) => void, nameAt: (index: number) => string }} parts
   *   controls: the id of what it scrolls; nameAt: what an image is called, "" where that is not known
   */
  constructor({ controls, go, nameAt }) {
    this.go = go;
    this.nameAt = nameAt;
    this.thumb = h("div", { className: "pxw-thumb" });
    this.number = h("strong", {});
    this.name = h("span", {});
    this.bubble = h("div", { className: "pxw-bubble", "aria-hidden": "true", hidden: true }, this.number, this.name);
    this.element = h(
      "div",
      {
        className: "pxw-scrubber", role: "scrollbar", hidden: true,
        "aria-controls": controls, "aria-orientation": "vertical", "aria-label": "Position", "aria-valuemin": "1", "aria-valuemax": "1", "aria-valuenow": "1",
      },
      this.thumb,
      this.bubble,
    );
    this.track = 0;
    this.state = { part: 1, fraction: 0 };
    /** While it is dragged: from the thumb's upper edge to the pointer. @type {number | null} */
    this.grip = null;
    /** @type {any} */
    this.timer = null;
    this.element.addEventListener("pointerdown", (event) => this.press(event));
    this.element.addEventListener("pointermove", (event) => this.drag(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) this.element.addEventListener(kind, () => this.release());
    // The focus stays on the images, whose keys move too.
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
  }

  /**
   * @param {number} count      images
   * @param {number} part       how much of them is seen, 0 to 1
   * @param {number} fraction   how far they are scrolled, 0 to 1
   * @param {number} height     of the stage
   */
  draw(count, part, fraction, height) {
    // Known without asking the browser, which would lay out all tiles to say it.
    this.track = height - 2 * INSET;
    this.state = { part, fraction };
    this.element.hidden = part >= 1 || !count;
    if (this.element.hidden) return;
    const thumb = thumbOf(this.track, part, fraction);
    this.thumb.style.height = `${thumb.height}px`;
    this.thumb.style.transform = `translateY(${thumb.top}px)`;
    this.bubble.style.setProperty("--pxw-at", `${thumb.top + thumb.height / 2}px`);
    const index = Math.round(fraction * (count - 1));
    const text = `${(index + 1).toLocaleString("en")} of ${count.toLocaleString("en")}`;
    const name = this.nameAt(index);
    this.element.setAttribute("aria-valuemax", String(count));
    this.element.setAttribute("aria-valuenow", String(index + 1));
    this.element.setAttribute("aria-valuetext", `Image ${text}`);
    this.number.textContent = text;
    this.name.textContent = name;
  }

  /** Say for a moment where one is. */
  flash() {
    if (this.element.hidden) return;
    this.bubble.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.grip === null) this.bubble.hidden = true;
    }, LINGER);
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0) return;
    const { top, height } = thumbOf(this.track, this.state.part, this.state.fraction);
    const y = event.clientY - this.element.getBoundingClientRect().top;
    // Beside the thumb, the thumb comes to the pointer.
    this.grip = y >= top && y <= top + height ? y - top : height / 2;
    this.element.setPointerCapture(event.pointerId);
    this.element.classList.add("pxw-dragged");
    this.drag(event);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (this.grip === null) return;
    const { height } = thumbOf(this.track, this.state.part, this.state.fraction);
    const y = event.clientY - this.element.getBoundingClientRect().top;
    this.go(fractionFor(this.track, height, y - this.grip));
    this.flash();
  }

  release() {
    this.grip = null;
    this.element.classList.remove("pxw-dragged");
    this.flash();
  }

  close() {
    clearTimeout(this.timer);
    this.element.remove();
  }
}
