// The viewer's parts put together: header, picture, channels, planes and readout, drawn once a frame.
import { h } from "../controls/dom.js";
import { ChannelPanel } from "./channels.js";
import { SharedDisplay } from "./display.js";
import { Header, chipsOf, positionText } from "./header.js";
import { PlaneBar, planeOf } from "./planes.js";
import { Readout } from "./readout.js";
import { Ruler } from "./ruler.js";
import { Scene } from "./scene.js";

/** @typedef {import("../kernel/session.js").Session} Session */
/** @typedef {import("./route.js").Route} Route */
/** @typedef {import("./route.js").Move} Move */

/** Milliseconds that an image must be looked at until it is announced. */
const ANNOUNCE_PAUSE = 300;
const KEPT_HERE = "This project is open for reading only, so the contrast changes in this view alone.";

export class Screen {
  /**
   * @param {{ session: Session, route: Route, go: (move: Move) => void, hide: () => void }} parts
   */
  constructor({ session, route, go, hide }) {
    this.session = session;
    this.store = session.store;
    this.route = route;
    this.image = -1;
    /** @type {import("./geometry.js").Point | null} */
    this.pixel = null;
    this.frame = 0;
    /** @type {any} */
    this.announceTimer = null;
    this.panelOpen = true;
    this.told = false;
    this.display = new SharedDisplay({
      ask: (kind, content) => session.channel.ask(kind, content),
      changed: () => this.schedule(),
      refused: (sentence) => this.store.setNotice({ tone: "error", text: sentence }),
      kept: () => this.tellKept(),
    });
    this.scene = new Scene({ session, display: this.display, changed: () => this.schedule(), hovered: (pixel) => this.hover(pixel) });
    const { picture } = this.scene;
    this.header = new Header({
      go,
      hide,
      zoom: (direction) => picture.zoom(direction),
      fit: () => picture.fit(),
      oneToOne: () => picture.zoomTo(1),
      channels: () => this.showPanel(!this.panelOpen),
    });
    this.channels = new ChannelPanel({ display: this.display, announce: (sentence) => this.store.announce(sentence) });
    this.planes = new PlaneBar({ choose: (plane) => this.choosePlane(plane), share: (plane) => this.display.set({ plane }) });
    this.readout = new Readout({ ask: (content, signal) => session.channel.ask("pixels", content, [], { signal }) });
    this.ruler = new Ruler();
    this.problemText = h("p", {});
    this.problem = h(
      "div",
      { className: "pxw-viewer-problem", role: "alert", hidden: true },
      this.problemText,
      h("button", { type: "button", className: "pxw-button", onclick: () => this.scene.retry() }, "Try again"),
    );
    this.spinner = h("span", { className: "pxw-spinner pxw-viewer-spinner", "aria-hidden": "true" });
    picture.element.append(this.ruler.element, this.spinner, this.problem);
    this.live = h("div", { className: "pxw-viewer-live", "aria-live": "polite" });
    this.element = h(
      "div",
      { className: "pxw-viewer", role: "dialog", "aria-modal": "false", "aria-label": "Viewer", tabIndex: -1, hidden: true },
      this.header.element,
      h("div", { className: "pxw-viewer-body" }, picture.element, this.channels.element),
      h("div", { className: "pxw-viewer-foot" }, this.planes.element, this.readout.element),
      this.live,
    );
  }

  start() {
    this.element.hidden = false;
    this.scene.chosenPlane = null;
    this.scene.picture.resize();
    if (!this.display.shared) this.display.load();
  }

  /**
   * @param {number} image
   * @param {number[]} neighbours   those that may come next, the likelier one first
   */
  show(image, neighbours) {
    this.image = image;
    this.pixel = null;
    this.scene.show(image, neighbours);
    this.drawHeader();
    clearTimeout(this.announceTimer);
    this.announceTimer = setTimeout(() => this.announce(), ANNOUNCE_PAUSE);
  }

  stop() {
    this.element.hidden = true;
    clearTimeout(this.announceTimer);
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.live.textContent = "";
    this.readout.stop();
    this.scene.clear();
  }

  /** Ask anew how images are shown: that has changed in Python, or in another view. */
  renew() {
    this.scene.details.renew();
    if (this.display.shared) this.display.load();
    this.schedule();
  }

  /** @param {import("./geometry.js").Point | null} pixel */
  hover(pixel) {
    this.pixel = pixel;
    this.schedule();
  }

  /** @param {import("./pixels.js").Plane} plane */
  choosePlane(plane) {
    this.scene.chosenPlane = plane;
    this.schedule();
  }

  /** @param {boolean} open */
  showPanel(open) {
    this.panelOpen = open;
    this.channels.element.hidden = !open;
    this.header.drawChannels(open);
    this.schedule();
  }

  schedule() {
    if (!this.element.hidden && !this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    const { scene } = this;
    const complete = scene.draw();
    const { picture, current: details } = scene;
    // What went wrong names the file.
    const problem = scene.problem && this.session.store.preferences.blind ? "This image cannot be shown." : scene.problem;
    this.problem.hidden = !problem;
    if (this.problemText.textContent !== problem) this.problemText.textContent = problem;
    this.spinner.hidden = complete || Boolean(problem);
    this.element.setAttribute("aria-busy", String(!this.spinner.hidden));
    this.header.drawScale(picture.view.scale);
    this.ruler.draw(details?.pixel_size, picture.view.scale, picture.canvas.width, picture.ratio);
    if (!details) return this.readout.clear();
    this.header.drawName(this.store.nameOf(this.image));
    this.drawPlanes(details);
    if (this.panelOpen) this.channels.draw(details, (channel) => scene.statistics(channel));
    const channels = this.display.channelsOf(details);
    this.readout.draw({
      details,
      plane: scene.planeOf(details),
      pixel: this.pixel,
      channels: scene.visible(details).map((number) => ({ number, name: channels[number].name, color: channels[number].color })),
      pieces: scene.pieces,
    });
  }

  /** @param {import("./details.js").Details} details */
  drawPlanes(details) {
    const plane = this.scene.planeOf(details);
    const { shared, readOnly } = this.display;
    this.planes.draw(plane, details.planes, readOnly || !shared || planeOf(shared.plane, details.planes) === plane);
  }

  drawHeader() {
    const { route, image } = this;
    const neighbours = { previous: route.target(image, "previous") !== null, next: route.target(image, "next") !== null };
    this.header.draw(this.store, image, route.position(image), neighbours);
  }

  announce() {
    const { store, image } = this;
    const chips = chipsOf(store, image).map(({ text }) => text);
    this.live.textContent = [store.nameOf(image), positionText(this.route.position(image)), ...chips].join(", ");
  }

  tellKept() {
    if (this.told) return;
    this.told = true;
    this.store.setNotice({ tone: "info", text: KEPT_HERE });
  }

  close() {
    this.stop();
    this.display.closed = true;
    this.scene.close();
  }
}
