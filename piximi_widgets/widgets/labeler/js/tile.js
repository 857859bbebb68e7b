// One tile: picture, label, state. Tiles are few and are given another image when the grid scrolls.
import { inkOn } from "./color.js";
import { h, icon } from "./dom.js";
import { PARTITIONS } from "./types.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./thumbnails.js").Thumbnails} Thumbnails */

export class Tile {
  /** @param {string} id */
  constructor(id) {
    this.image = h("img", { alt: "", draggable: false, decoding: "async", hidden: true });
    this.broken = h("span", { className: "pxw-broken", hidden: true }, icon("broken"));
    this.tick = h("span", { className: "pxw-tick" }, icon("check"));
    this.picture = h("div", { className: "pxw-picture" }, this.image, this.broken, this.tick);
    this.tag = h("div", { className: "pxw-tag" });
    this.element = h("div", { className: "pxw-tile", role: "gridcell", id }, this.picture, this.tag);
    this.index = -1;
    this.state = "";
    this.url = "";
    this.image.addEventListener("load", () => {
      // Pixels are data: enlarged, they stay pixels.
      const enlarged = this.image.naturalWidth < this.picture.clientWidth && this.image.naturalHeight < this.picture.clientHeight;
      this.image.classList.toggle("pxw-pixels", enlarged);
    });
  }

  /**
   * Show the image at a place of what is visible.
   * @param {number} index
   * @param {Store} store
   * @param {Thumbnails} thumbnails
   */
  draw(index, store, thumbnails) {
    const row = store.visible[index];
    this.index = index;
    if (row === undefined) {
      this.blank();
      return;
    }
    const { ids, partition, prediction, confidence } = store.table.columns;
    const id = ids[row];
    this.drawPicture(id, thumbnails);
    const category = store.categoryOf(store.category[row]);
    const guess = store.categoryOf(prediction[row]);
    const selected = store.selection.ids.has(id);
    const focused = store.selection.focus === index;
    const excluded = store.excluded[row] === 1;
    const name = store.names.get(id) ?? `image ${id}`;
    const wrong = guess && category && guess.id !== category.id;
    const sure = Math.round(confidence[row] * 100);
    const state = [
      id, index, category?.name, category?.color, guess?.name, guess?.color, sure, selected, focused, excluded,
      name, partition[row], store.visible.length,
    ].join("\t");
    if (state === this.state) return;
    this.state = state;
    const element = this.element;
    element.hidden = false;
    element.classList.toggle("pxw-selected", selected);
    element.classList.toggle("pxw-focused", focused);
    element.classList.toggle("pxw-excluded", excluded);
    element.setAttribute("aria-selected", String(selected));
    const says = [
      name,
      category?.name ?? "unlabeled",
      guess && `predicted ${guess.name}, ${sure} %`,
      PARTITIONS[partition[row]],
      excluded && "excluded",
    ].filter(Boolean);
    element.setAttribute("aria-label", says.join(", "));
    element.title = says.join(" · ");
    this.drawTag(category, guess, sure, Boolean(wrong));
  }

  /**
   * @param {import("./types.js").Category | null} category
   * @param {import("./types.js").Category | null} guess
   * @param {number} sure
   * @param {boolean} wrong
   */
  drawTag(category, guess, sure, wrong) {
    const tag = this.tag;
    tag.className = `pxw-tag${category ? " pxw-labeled" : guess ? " pxw-guessed" : ""}`;
    const shown = category ?? guess;
    tag.style.setProperty("--pxw-category", shown?.color ?? "transparent");
    tag.style.setProperty("--pxw-ink-on", category ? inkOn(category.color) : "inherit");
    const text = h("span", { className: "pxw-tag-name" }, shown?.name ?? "");
    if (category && wrong && guess) {
      const mark = h("span", { className: "pxw-tag-guess", style: { "--pxw-guess": guess.color, color: inkOn(guess.color) } });
      mark.textContent = Array.from(guess.name)[0] ?? "?";
      tag.replaceChildren(text, mark);
    } else if (!category && guess) {
      tag.replaceChildren(text, h("span", { className: "pxw-tag-sure" }, `${sure}%`));
    } else {
      tag.replaceChildren(text);
    }
  }

  /**
   * @param {number} id
   * @param {Thumbnails} thumbnails
   */
  drawPicture(id, thumbnails) {
    const url = thumbnails.get(id)?.url ?? "";
    const failed = !url && thumbnails.failures.has(id);
    this.broken.hidden = !failed;
    if (failed) this.picture.title = thumbnails.failures.get(id) ?? "";
    if (url === this.url) return;
    this.url = url;
    this.image.hidden = !url;
    if (url) this.image.src = url;
    else this.image.removeAttribute("src");
  }

  blank() {
    this.state = this.url = "";
    this.element.hidden = this.image.hidden = true;
    this.image.removeAttribute("src");
  }
}
