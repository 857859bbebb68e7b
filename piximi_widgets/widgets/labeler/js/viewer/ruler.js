// The scale bar over the picture.
import { h } from "../controls/dom.js";
import { pixelWidth, scaleBar } from "./scalebar.js";

/** Pixels of the page. */
const LONGEST = 240;

export class Ruler {
  constructor() {
    this.text = h("span", {});
    this.bar = h("span", { className: "pxw-ruler-bar" });
    this.element = h("div", { className: "pxw-ruler", hidden: true }, this.text, this.bar);
  }

  /**
   * @param {import("./scalebar.js").PixelSize | null | undefined} size
   * @param {number} scale    pixels of the canvas for one of the image
   * @param {number} width    of the canvas in its pixels
   * @param {number} ratio    pixels of the canvas for one of the page
   */
  draw(size, scale, width, ratio) {
    const bar = scaleBar(pixelWidth(size) / scale, Math.min(width / 4, LONGEST * ratio));
    this.element.hidden = !bar;
    if (!bar) return;
    this.text.textContent = bar.text;
    this.bar.style.width = `${bar.width / ratio}px`;
  }
}
