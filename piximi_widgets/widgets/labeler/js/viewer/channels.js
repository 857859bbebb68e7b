// The panel of channels: their names, colours, windows over a histogram, and gamma.
import { h } from "../controls/dom.js";
import { drawing, redraw } from "./drawings.js";
import { domainOf } from "./histogram.js";
import { isWhole } from "./tiles.js";
import { WindowSlider } from "./window_slider.js";

/** @typedef {import("./display.js").SharedDisplay} SharedDisplay */
/** @typedef {import("./display.js").ChannelDisplay} ChannelDisplay */
/** @typedef {import("./details.js").Details} Details */
/** @typedef {import("./histogram.js").Statistics} Statistics */

const GAMMA_LEAST = 0.05;
const GAMMA_MOST = 10;

export class ChannelPanel {
  /**
   * @param {{ display: SharedDisplay, announce: (sentence: string) => void }} wiring
   */
  constructor({ display, announce }) {
    this.display = display;
    this.announce = announce;
    /** @type {ChannelSection[]} */
    this.sections = [];
    this.list = h("div", { className: "pxw-channels-list" });
    this.contrast = h(
      "select",
      {
        className: "pxw-select", "aria-label": "Where automatic contrast comes from",
        onchange: () => display.set({ contrast: this.contrast.value }),
      },
      h("option", { value: "project" }, "Same for all images"),
      h("option", { value: "image" }, "Each image by itself"),
    );
    const reset = h("button", { type: "button", className: "pxw-button", title: "Back to the first colours and contrast", onclick: () => display.set({ reset: true }) }, "Reset");
    this.foot = h("div", { className: "pxw-channels-foot" }, h("span", {}, "Automatic contrast"), this.contrast, reset);
    this.element = h("div", { className: "pxw-channels", role: "group", "aria-label": "Channels" }, this.list, this.foot);
  }

  /**
   * @param {Details} details
   * @param {(channel: number) => Statistics | null} statistics
   */
  draw(details, statistics) {
    const channels = this.display.channelsOf(details);
    while (this.sections.length > channels.length) this.sections.pop()?.element.remove();
    while (this.sections.length < channels.length) {
      const section = new ChannelSection(this.sections.length, this);
      this.sections.push(section);
      this.list.append(section.element);
    }
    channels.forEach((channel, at) => this.sections[at].draw(channel, statistics(at), details.dtype));
    const { shared } = this.display;
    if (shared) this.contrast.value = shared.contrast;
    this.contrast.disabled = this.display.readOnly;
  }
}

class ChannelSection {
  /**
   * @param {number} at
   * @param {ChannelPanel} panel
   */
  constructor(at, { display, announce }) {
    this.announce = announce;
    /** @type {ChannelDisplay | null} */
    this.channel = null;
    this.eye = h(
      "button",
      { type: "button", className: "pxw-tool", onclick: () => display.commit(at, { visible: !this.channel?.visible }) },
      drawing("eye"),
    );
    this.color = h("input", {
      type: "color", className: "pxw-channel-color",
      oninput: () => display.preview(at, { color: this.color.value }),
      onchange: () => display.commit(at, { color: this.color.value }),
    });
    this.name = h("span", { className: "pxw-channel-name" });
    this.automatic = h("button", { type: "button", className: "pxw-channel-automatic", onclick: () => display.commit(at, { window: "auto" }) }, "Automatic");
    this.slider = new WindowSlider({
      preview: (window) => display.preview(at, { window }),
      commit: (window) => display.commit(at, { window }),
    });
    const end = (/** @type {0 | 1} */ which) =>
      h("input", { type: "number", step: "any", className: "pxw-number", onchange: () => this.typed(which, (window) => display.commit(at, { window })) });
    this.ends = [end(0), end(1)];
    this.gamma = h("input", {
      type: "number", className: "pxw-number pxw-gamma", min: String(GAMMA_LEAST), max: String(GAMMA_MOST), step: "0.05",
      onchange: () => this.typedGamma((gamma) => display.commit(at, { gamma })),
    });
    this.element = h(
      "div",
      { className: "pxw-channel", role: "group" },
      h("div", { className: "pxw-channel-head" }, this.eye, this.color, this.name, this.automatic),
      this.slider.element,
      h("div", { className: "pxw-channel-numbers" }, this.ends[0], h("span", { "aria-hidden": "true" }, "–"), this.ends[1], h("label", { title: "Below 1, dark parts are lifted" }, "Gamma ", this.gamma)),
    );
  }

  /**
   * @param {0 | 1} which
   * @param {(window: [number, number]) => void} commit
   */
  typed(which, commit) {
    if (!this.channel) return;
    const window = /** @type {[number, number]} */ ([...this.channel.window]);
    window[which] = this.ends[which].valueAsNumber;
    if (window[0] < window[1]) return commit(window);
    this.announce("The first number must be below the second one.");
    this.write(this.ends[which], this.channel.window[which], true);
  }

  /** @param {(gamma: number) => void} commit */
  typedGamma(commit) {
    if (!this.channel) return;
    const gamma = this.gamma.valueAsNumber;
    if (gamma >= GAMMA_LEAST && gamma <= GAMMA_MOST) return commit(gamma);
    this.announce(`Gamma is a number from ${GAMMA_LEAST} to ${GAMMA_MOST}.`);
    this.write(this.gamma, this.channel.gamma, true);
  }

  /**
   * @param {ChannelDisplay} channel
   * @param {Statistics | null} found
   * @param {string} dtype
   */
  draw(channel, found, dtype) {
    this.channel = channel;
    const { name, visible, color, window, gamma, automatic } = channel;
    this.element.setAttribute("aria-label", name);
    this.element.classList.toggle("pxw-channel-hidden", !visible);
    this.element.style.setProperty("--pxw-channel", color);
    redraw(this.eye, visible ? "eye" : "eyeOff");
    this.eye.setAttribute("aria-pressed", String(visible));
    this.eye.setAttribute("aria-label", `Show ${name}`);
    this.eye.title = visible ? "Hide this channel" : "Show this channel";
    if (this.color !== document.activeElement) this.color.value = color;
    this.color.setAttribute("aria-label", `Colour of ${name}`);
    this.color.title = "Colour";
    this.name.textContent = this.name.title = name;
    this.automatic.setAttribute("aria-pressed", String(automatic));
    this.automatic.setAttribute("aria-label", `Automatic contrast of ${name}`);
    this.slider.draw({ name, window, domain: domainOf(window, found, dtype), whole: isWhole(dtype), found });
    this.ends.forEach((input, end) => {
      input.setAttribute("aria-label", `${name}: ${end ? "high" : "low"} end of the window`);
      this.write(input, window[end]);
    });
    this.gamma.setAttribute("aria-label", `Gamma of ${name}`);
    this.write(this.gamma, gamma);
  }

  /**
   * Show a number, unless somebody is typing one.
   * @param {HTMLInputElement} input
   * @param {number} value
   * @param {boolean} [force]
   */
  write(input, value, force = false) {
    if (!force && input === document.activeElement && input.valueAsNumber !== value && input.dataset.shown !== input.value) return;
    // As many digits as the field has room for.
    const shown = Math.abs(value) < 10_000 ? Number(value.toPrecision(5)) : Math.round(value);
    input.value = input.dataset.shown = String(shown);
  }
}
