// The viewer: one image over the grid, with its measured values, and its neighbours by arrow keys.
import { runLabelingKey } from "../commands.js";
import { isHeldTooLong, strokeOf } from "../shortcuts.js";
import { Route } from "./route.js";
import { Screen } from "./screen.js";

/** @typedef {import("../kernel/session.js").Session} Session */
/** @typedef {import("../commands.js").Commands} Commands */
/** @typedef {import("./route.js").Move} Move */

/** Narrower than this, the channels would hide the picture: they are closed at first. */
const NARROW = 640;
/** The share of the picture by which a key moves it. */
const PAN_STEP = 0.2;

export class Viewer {
  /** @param {{ root: HTMLElement, session: Session, commands: Commands, help: () => void, left: () => void }} parts */
  constructor({ root, session, commands, help, left }) {
    this.root = root;
    this.session = session;
    this.store = session.store;
    this.commands = commands;
    this.help = help;
    this.left = left;
    commands.follow = (image) => this.show(image);
    this.opened = false;
    this.image = -1;
    /** Where the last step went, and the next one probably goes. @type {Move} */
    this.direction = "next";
    this.pictures = session.pictures;
    this.route = new Route(session.store);
    this.screen = new Screen({ session, route: this.route, go: (move) => this.go(move), hide: () => this.hide() });
    this.element = this.screen.element;
    this.arranged = false;
    this.unsubscribe = this.store.subscribe((change) => this.changed(change));
  }

  /** Show the image with the focus, or of several selected ones the first. */
  open() {
    const image = this.opened || !this.store.ready ? null : this.route.start();
    if (image === null) return;
    this.opened = true;
    this.coverOthers(true);
    if (!this.arranged) this.screen.showPanel(this.root.clientWidth > NARROW);
    this.arranged = true;
    this.screen.start();
    this.commands.within = this.route.chosen && new Set(this.route.chosen);
    this.show(image);
    this.element.focus({ preventScroll: true });
  }

  /** Go back to the grid. */
  hide() {
    if (!this.opened) return;
    this.opened = false;
    this.screen.stop();
    this.coverOthers(false);
    this.commands.within = null;
    this.note(null);
    this.left();
  }

  /** What lies beneath cannot be reached while it is covered. @param {boolean} covered */
  coverOthers(covered) {
    for (const other of this.element.parentElement?.children ?? []) {
      if (other !== this.element) /** @type {HTMLElement} */ (other).inert = covered;
    }
  }

  /** @param {number} image */
  show(image) {
    this.image = image;
    this.route.position(image);
    const moves = /** @type {Move[]} */ (this.direction === "previous" ? ["previous", "next"] : ["next", "previous"]);
    const neighbours = moves.map((move) => this.route.target(image, move));
    this.screen.show(image, neighbours.filter((id) => id !== null));
    this.note(image);
    this.route.focus(image);
  }

  /** Let keys and the parts around know what they are about. @param {number | null} image */
  note(image) {
    this.commands.viewing = image;
    this.store.emit("viewing");
  }

  /** @param {Move} move */
  go(move) {
    const target = this.route.target(this.image, move);
    if (target === null) {
      this.store.announce(move === "next" || move === "last" ? "This is the last image." : "This is the first image.");
      return;
    }
    this.direction = move;
    this.show(target);
  }

  /** @param {import("../state/store.js").Change} change */
  changed(change) {
    if (change === "pictures") this.notePictures();
    else if (!this.opened) return;
    else if (change === "selection") this.followFocus();
    else if (change === "data" || change === "preferences") {
      this.route.order = this.store.selection.order;
      this.screen.drawHeader();
    }
  }

  followFocus() {
    const image = this.route.followed(this.image);
    if (image !== null) this.show(image);
  }

  /** A thumbnail has arrived, or the way in which images are shown is another one. */
  notePictures() {
    const { pictures } = this.session;
    if (pictures !== this.pictures) this.screen.renew();
    this.pictures = pictures;
    this.screen.schedule();
  }

  /**
   * @param {KeyboardEvent} event   in the widget, while the viewer is open
   * @returns {boolean} whether it was a key of the viewer
   */
  key(event) {
    const stroke = strokeOf(event);
    if (!stroke || belongsToControl(event)) return false;
    const handled = isHeldTooLong(event, stroke) || this.run(stroke) || runLabelingKey(stroke, this.commands);
    if (handled) event.preventDefault();
    return handled;
  }

  /** @param {import("../shortcuts.js").Stroke} stroke */
  run({ command, extend }) {
    const { scene, planes } = this.screen;
    const { picture } = scene;
    /** @type {Record<string, () => void>} */
    const arrows = extend
      ? {
          left: () => picture.panBy(-PAN_STEP, 0), right: () => picture.panBy(PAN_STEP, 0),
          up: () => picture.panBy(0, -PAN_STEP), down: () => picture.panBy(0, PAN_STEP),
        }
      : { left: () => this.go("previous"), up: () => this.go("previous"), right: () => this.go("next"), down: () => this.go("next") };
    /** @type {Record<string, () => void>} */
    const actions = {
      ...arrows,
      home: () => this.go("first"), end: () => this.go("last"),
      zoomIn: () => picture.zoom(1), zoomOut: () => picture.zoom(-1), fit: () => picture.fit(),
      planeBefore: () => planes.step(-1), planeAfter: () => planes.step(1),
      escape: () => this.hide(), view: () => this.hide(), help: () => this.help(),
      save: () => this.store.announce("Labels are saved as you make them."),
      // Else the browser would mark the text of the page.
      selectAll: () => this.store.announce("Go back to the grid to select images."),
    };
    actions[command]?.();
    return command in actions;
  }

  close() {
    this.unsubscribe();
    // Not by hiding, which would take the focus from where it is.
    this.opened = false;
    this.commands.viewing = this.commands.within = null;
    this.screen.close();
  }
}

/** Sliders, lists and buttons keep the keys that they need. @param {KeyboardEvent} event */
function belongsToControl({ target, key }) {
  if (key === "Escape") return false;
  if (target instanceof HTMLInputElement && target.type === "range") return /^(Arrow|Home|End|Page)/.test(key);
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLButtonElement && (key === "Enter" || key === " ");
}
