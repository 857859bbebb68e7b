// One tile: picture, label, state. Tiles are few and are given another image when the grid scrolls.
import { inkOn } from "../categories/color.js";
import { h, icon } from "../controls/dom.js";
import { MINE, ORIGINS, PARTITIONS } from "../types.js";

/** @typedef {import("../state/store.js").Store} Store */
/** @typedef {import("../types.js").Category} Category */
/** @typedef {import("../kernel/thumbnails.js").Thumbnails} Thumbnails */

/**
 * What a tile shows of its image's label.
 * @typedef {object} Told
 * @property {Category | null} category
 * @property {boolean} accepted   a person took the label over from the classifier
 * @property {Category | null} guess   the prediction
 * @property {number} sure        its confidence in percent
 */

/**
 * Where each mark goes, and what is drawn in it.
 * @type {Record<string, (tile: Tile, mark: HTMLElement) => void>}
 */
const PLACES = {
  "pxw-tick": (tile, mark) => {
    mark.append(icon("check"));
    tile.picture.append(mark);
  },
  "pxw-broken": (tile, mark) => {
    mark.append(icon("broken"));
    tile.picture.append(mark);
  },
  "pxw-unsure": (tile, mark) => {
    mark.dataset.text = "?";
    tile.picture.append(mark);
  },
  "pxw-tag-machine": (tile, mark) => tile.tag.prepend(mark),
  "pxw-tag-guess": (tile, mark) => tile.tag.append(mark),
  "pxw-tag-sure": (tile, mark) => tile.tag.append(mark),
};

export class Tile {
  /** @param {string} id */
  constructor(id) {
    this.image = h("img", { alt: "", draggable: false, decoding: "async", hidden: true });
    this.picture = h("div", { className: "pxw-picture" }, this.image);
    this.label = h("span", { className: "pxw-tag-name" });
    this.tag = h("div", { className: "pxw-tag" }, this.label);
    this.element = h("div", { className: "pxw-tile", role: "gridcell", id }, this.picture, this.tag);
    this.index = -1;
    this.state = "";
    this.url = "";
    /** Made when first needed: a screen holds thousands of the smallest tiles. @type {Map<string, HTMLElement>} */
    this.marks = new Map();
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
   * @param {string} paint   another one when categories have changed their names or colours
   */
  draw(index, store, thumbnails, paint) {
    const row = store.visible[index];
    this.index = index;
    if (row === undefined) {
      this.blank();
      return;
    }
    const { ids, partition, confidence } = store.table.columns;
    const id = ids[row];
    this.drawPicture(id, thumbnails, store.preferences.blind);
    const selected = store.selection.has(index);
    const focused = store.selection.focus === index;
    const excluded = Boolean(store.excluded[row]);
    const unsure = Boolean(store.unsure[row]);
    const name = store.nameOf(id);
    const sure = Math.round(confidence[row] * 100);
    const origin = store.origin[row] & ~MINE;
    const state = `${id}\t${index}\t${store.category[row]}\t${origin}\t${store.prediction[row]}\t${sure}\t${selected}\t${focused}\t${excluded}\t${unsure}\t${name}\t${partition[row]}\t${paint}`;
    if (state === this.state) return;
    this.state = state;
    const told = {
      category: store.categoryOf(store.category[row]), accepted: ORIGINS[origin] === "accepted", guess: store.categoryOf(store.prediction[row]), sure,
    };
    const { element } = this;
    element.hidden = false;
    element.classList.toggle("pxw-selected", selected);
    element.classList.toggle("pxw-focused", focused);
    element.classList.toggle("pxw-excluded", excluded);
    element.setAttribute("aria-selected", String(selected));
    this.mark("pxw-tick", selected);
    this.mark("pxw-unsure", unsure);
    const says = [name, ...wordsOf(told), unsure && "unsure", PARTITIONS[partition[row]], excluded && "excluded"].filter(Boolean);
    element.setAttribute("aria-label", says.join(", "));
    element.title = says.join(" · ");
    this.drawTag(told);
  }

  /** @param {Told} told */
  drawTag({ category, accepted, guess, sure }) {
    const { tag } = this;
    const shown = category ?? guess;
    this.element.classList.toggle("pxw-told", shown !== null);
    tag.className = `pxw-tag${category ? " pxw-labeled" : guess ? " pxw-guessed" : ""}`;
    tag.style.setProperty("--pxw-category", shown?.color ?? "transparent");
    tag.style.setProperty("--pxw-ink-on", category ? inkOn(category.color) : "inherit");
    this.label.textContent = shown?.name ?? "";
    this.mark("pxw-tag-machine", category !== null && accepted);
    const wrong = category && guess && guess.id !== category.id ? guess : null;
    const letter = this.mark("pxw-tag-guess", wrong !== null);
    if (letter && wrong) {
      letter.dataset.text = Array.from(wrong.name)[0] ?? "?";
      letter.style.setProperty("--pxw-guess", wrong.color);
      letter.style.color = inkOn(wrong.color);
    }
    const percent = this.mark("pxw-tag-sure", !category && guess !== null);
    if (percent) percent.dataset.text = `${sure}%`;
  }

  /**
   * Show a mark or take it away. What it says stands in its style: in the tile's name, words say it.
   * @param {string} name   of PLACES
   * @param {boolean} on
   */
  mark(name, on) {
    let mark = this.marks.get(name);
    if (!mark && on) {
      mark = h("span", { className: name });
      this.marks.set(name, mark);
      PLACES[name](this, mark);
    }
    if (mark) mark.hidden = !on;
    return mark;
  }

  /**
   * @param {number} id
   * @param {Thumbnails} thumbnails
   * @param {boolean} blind   what went wrong names the file
   */
  drawPicture(id, thumbnails, blind) {
    const url = thumbnails.get(id)?.url ?? "";
    const failure = url ? undefined : thumbnails.failures.get(id);
    this.mark("pxw-broken", failure !== undefined);
    this.picture.title = failure !== undefined && blind ? "This image cannot be shown." : (failure ?? "");
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

/** @param {Told} told */
function wordsOf({ category, accepted, guess, sure }) {
  return [
    category ? `${category.name}${accepted ? ", accepted" : ""}` : "unlabeled",
    guess && `predicted ${guess.name}, ${sure} %`,
  ];
}
