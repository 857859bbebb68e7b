// The line above the picture: which image this is, what is known of it, and the buttons.
import { h, icon } from "../controls/dom.js";
import { drawing } from "./drawings.js";

/** @typedef {import("../state/store.js").Store} Store */

/**
 * What the labels of an image say, in the words and the order in which they are shown.
 * @param {Store} store
 * @param {number} id
 * @returns {{ kind: "label" | "prediction" | "flag", text: string, color: string }[]}
 */
export function chipsOf(store, id) {
  const row = store.table.rowOf(id);
  if (row < 0) return [{ kind: "flag", text: "no longer in the project", color: "" }];
  const category = store.categoryOf(store.category[row]);
  const chips = [{ kind: /** @type {"label" | "prediction" | "flag"} */ ("label"), text: category?.name ?? "unlabeled", color: category?.color ?? "" }];
  const predicted = store.prediction[row] ? store.categoryOf(store.prediction[row]) : null;
  if (predicted) {
    const percent = Math.round(store.table.columns.confidence[row] * 100);
    chips.push({ kind: "prediction", text: `predicted ${predicted.name} ${percent} %`, color: predicted.color });
  }
  if (store.unsure[row]) chips.push({ kind: "flag", text: "unsure", color: "" });
  if (store.excluded[row]) chips.push({ kind: "flag", text: "excluded", color: "" });
  return chips;
}

export class Header {
  /**
   * @param {{ go: (move: import("./route.js").Move) => void, zoom: (direction: 1 | -1) => void, fit: () => void, oneToOne: () => void, channels: () => void, hide: () => void }} actions
   */
  constructor({ go, zoom, fit, oneToOne, channels, hide }) {
    this.previous = tool("Previous image (←)", drawing("left"), () => go("previous"));
    this.next = tool("Next image (→)", drawing("right"), () => go("next"));
    this.position = h("span", { className: "pxw-viewer-position" });
    this.name = h("strong", { className: "pxw-viewer-name" });
    this.chips = h("span", { className: "pxw-viewer-chips" });
    this.percent = h("button", { type: "button", className: "pxw-viewer-percent", title: "One pixel of the image for one of the screen", onclick: oneToOne });
    this.channels = tool("Channels and contrast", drawing("channels"), channels);
    this.element = h(
      "div",
      { className: "pxw-viewer-header" },
      h("div", { className: "pxw-viewer-steps" }, this.previous, this.next, this.position),
      h("div", { className: "pxw-viewer-what" }, this.name, this.chips),
      h(
        "div",
        { className: "pxw-viewer-tools" },
        tool("Zoom out (−)", drawing("minus"), () => zoom(-1)),
        this.percent,
        tool("Zoom in (+)", drawing("plus"), () => zoom(1)),
        tool("Show the whole image (=)", drawing("fit"), fit),
        this.channels,
        tool("Back to the grid (Esc)", icon("cross"), hide),
      ),
    );
  }

  /**
   * @param {Store} store
   * @param {number} id
   * @param {{ number: number, count: number, selected: boolean }} position
   * @param {{ previous: boolean, next: boolean }} neighbours
   */
  draw(store, id, position, neighbours) {
    this.position.textContent = positionText(position);
    this.drawName(store.nameOf(id));
    this.chips.replaceChildren(
      ...chipsOf(store, id).map(({ kind, text, color }) =>
        h(
          "span",
          { className: `pxw-viewer-chip pxw-viewer-${kind}`, style: { "--pxw-category": color || "transparent" } },
          kind === "flag" ? null : h("span", { className: `pxw-swatch${color ? "" : " pxw-none"}` }),
          text,
        ),
      ),
    );
    // A button that is disabled would lose the focus.
    this.previous.setAttribute("aria-disabled", String(!neighbours.previous));
    this.next.setAttribute("aria-disabled", String(!neighbours.next));
  }

  /** @param {string} name */
  drawName(name) {
    if (this.name.textContent !== name) this.name.textContent = this.name.title = name;
  }

  /** @param {number} scale */
  drawScale(scale) {
    const percent = scale * 100;
    const text = `${percent < 10 ? Number(percent.toPrecision(2)) : Math.round(percent)} %`;
    this.percent.textContent = text;
    this.percent.setAttribute("aria-label", `${text}: show one to one`);
  }

  /** @param {boolean} open */
  drawChannels(open) {
    this.channels.setAttribute("aria-expanded", String(open));
  }
}

/** @param {{ number: number, count: number, selected: boolean }} position */
export function positionText({ number, count, selected }) {
  const of = number ? `${number.toLocaleString("en")} of ${count.toLocaleString("en")}` : `${count.toLocaleString("en")} others`;
  if (selected) return `${of} selected`;
  return number ? of : `Not in the filter · ${of}`;
}

/**
 * @param {string} label
 * @param {Node} face
 * @param {() => void} run
 */
function tool(label, face, run) {
  return h("button", { type: "button", className: "pxw-tool", title: label, "aria-label": label, onclick: run }, face);
}
