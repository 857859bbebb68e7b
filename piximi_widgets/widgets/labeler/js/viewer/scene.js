// What the viewer shows: which pixels it needs, and the picture that they make.
import { DetailsOfImages } from "./details.js";
import { statistics } from "./histogram.js";
import { Painter, toPaint } from "./painter.js";
import { Picture } from "./picture.js";
import { Pixels } from "./pixels.js";
import { planeOf } from "./planes.js";
import { bytesOf, isWhole, tilesOfAll, tilesOfView } from "./tiles.js";

/** @typedef {import("../kernel/session.js").Session} Session */
/** @typedef {import("./details.js").Details} Details */
/** @typedef {import("./display.js").SharedDisplay} SharedDisplay */
/** @typedef {import("./histogram.js").Statistics} Statistics */
/** @typedef {import("./pixels.js").Plane} Plane */
/** @typedef {import("./pixels.js").Wish} Wish */
/** @typedef {import("./geometry.js").Point} Point */

const BINS = 512;

export class Scene {
  /**
   * @param {{ session: Session, display: SharedDisplay, changed: () => void, hovered: (place: Point | null) => void }} wiring
   */
  constructor({ session, display, changed, hovered }) {
    this.session = session;
    this.display = display;
    this.changed = changed;
    this.image = -1;
    /** The images that may come next. @type {number[]} */
    this.neighbours = [];
    /** The plane that was chosen here; null for the grid's. @type {Plane | null} */
    this.chosenPlane = null;
    this.picture = new Picture({ changed, hovered });
    this.painter = new Painter();
    this.pixels = new Pixels({ ask: (content, signal) => session.channel.ask("pixels", content, [], { signal }), changed });
    this.details = new DetailsOfImages({
      ask: (image, signal) => session.channel.ask("image", { image }, [], { signal }),
      changed: (details, former) => this.learn(details, former),
      failed: changed,
    });
    /** @type {{ image: number, url: string, element: HTMLImageElement } | null} */
    this.thumbnail = null;
    /** @type {Map<number, { key: string, found: Statistics | null }>} By channel. */
    this.found = new Map();
  }

  /** @param {number} image @param {number[]} neighbours */
  show(image, neighbours) {
    this.image = image;
    this.neighbours = neighbours;
    this.details.want([image, ...neighbours]);
    const details = this.current;
    if (details) this.picture.show(details);
    this.changed();
  }

  /**
   * @param {Details} details
   * @param {Details | undefined} former
   */
  learn(details, former) {
    this.session.store.names.set(details.id, details.name);
    const shape = (/** @type {Details} */ { width, height, channels, planes, dtype }) => [width, height, channels, planes, dtype].join();
    if (former && shape(former) !== shape(details)) this.pixels.forget(details.id);
    if (details.id === this.image) this.picture.show(details);
    this.changed();
  }

  get current() {
    return this.details.get(this.image);
  }

  /** @param {Details} details */
  planeOf(details) {
    return planeOf(this.chosenPlane ?? details.plane, details.planes);
  }

  /** Why there is nothing to see; "" where there is no reason. */
  get problem() {
    return this.details.failures.get(this.image) ?? this.pixels.failures.get(this.image) ?? "";
  }

  /** The visible channels of an image. @param {Details} details */
  visible(details) {
    return this.display.channelsOf(details).flatMap(({ visible }, at) => (visible ? [at] : []));
  }

  /** What is here of the present plane. */
  get pieces() {
    const details = this.current;
    return details ? this.pixels.of(this.image, this.planeOf(details)) : [];
  }

  /** Ask for what is needed, and paint what is here. @returns {boolean} whether all that is seen is here */
  draw() {
    const { picture, current: details } = this;
    this.details.want([this.image, ...this.neighbours]);
    this.loadThumbnail();
    if (!details) {
      this.pixels.want([]);
      this.painter.placeholder(picture.canvas, picture.fits ? this.preview : null);
      return false;
    }
    const channels = this.visible(details);
    const bytes = bytesOf(details.dtype) * Math.max(1, channels.length);
    const plane = this.planeOf(details);
    const tiles = tilesOfView(details, picture.view, picture.canvas, bytes);
    /** @type {Wish[]} */
    const wishes = tiles.map((tile) => ({ image: this.image, plane, tile, channels }));
    this.pixels.want([...wishes, ...this.laterWishes(details, plane, tiles, channels, bytes)]);
    const pieces = this.pieces.filter(({ channel }) => channels.includes(channel));
    this.painter.draw(picture.canvas, {
      view: picture.view,
      size: details,
      tiles: toPaint(pieces, tiles, channels.length),
      channels: this.display.channelsOf(details),
      thumbnail: channels.length ? this.preview : null,
    });
    return tiles.every((tile) => channels.every((channel) => this.pixels.get(this.image, plane, tile, channel)));
  }

  /**
   * What will be wanted soon: the rest of the image, its other planes where they are stepped through, and the next image.
   * @param {Details} details
   * @param {Plane} plane
   * @param {import("./tiles.js").Tile[]} tiles
   * @param {number[]} channels
   * @param {number} bytes
   * @returns {Wish[]}
   */
  laterWishes(details, plane, tiles, channels, bytes) {
    const { canvas } = this.picture;
    const later = tilesOfAll(details, canvas, bytes).map((tile) => ({ image: this.image, plane, tile, channels, later: true }));
    if (this.chosenPlane !== null && plane !== "max") {
      for (const other of [plane + 1, plane - 1]) {
        if (other < 0 || other >= details.planes) continue;
        later.push(...tiles.map((tile) => ({ image: this.image, plane: other, tile, channels, later: true })));
      }
    }
    for (const image of this.neighbours) {
      const next = this.details.get(image);
      if (!next) continue;
      const visible = this.visible(next);
      const all = tilesOfAll(next, canvas, bytesOf(next.dtype) * Math.max(1, visible.length));
      later.push(...all.map((tile) => ({ image, plane: this.planeOf(next), tile, channels: visible, later: true })));
    }
    return later;
  }

  get preview() {
    return this.thumbnail?.image === this.image && this.thumbnail.element.complete && this.thumbnail.element.naturalWidth ? this.thumbnail.element : null;
  }

  loadThumbnail() {
    const picture = this.session.thumbnails.get(this.image);
    if (!picture || (this.thumbnail?.image === this.image && this.thumbnail.url === picture.url)) return;
    const element = new Image();
    element.onload = this.changed;
    element.src = picture.url;
    this.thumbnail = { image: this.image, url: picture.url, element };
  }

  /**
   * The values of a channel as far as they are here, taken from the coarsest pieces, which show most of the image.
   * @param {number} channel
   */
  statistics(channel) {
    const pieces = this.pieces.filter((piece) => piece.channel === channel);
    const coarsest = Math.max(...pieces.map(({ tile }) => tile.step));
    const chosen = pieces.filter(({ tile }) => tile.step === coarsest);
    const key = chosen.map(({ image, plane, tile }) => `${image}/${plane}/${tile.key}`).sort().join();
    let entry = this.found.get(channel);
    if (entry?.key !== key) {
      entry = { key, found: statistics(chosen.map(({ data }) => data), BINS, isWhole(this.current?.dtype ?? "")) };
      this.found.set(channel, entry);
    }
    return entry.found;
  }

  /** Try again what has failed. */
  retry() {
    this.details.forget(this.image);
    this.pixels.forget(this.image);
    this.changed();
  }

  /** End all questions, and let the memory go. */
  clear() {
    this.pixels.clear();
    this.details.close();
    this.details.failures.clear();
    this.painter.close();
    this.found.clear();
    this.thumbnail = null;
  }

  close() {
    this.clear();
    this.picture.close();
  }
}
