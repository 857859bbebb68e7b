// A kernel of a few lines for the labeler in a bare page: holds images, applies operations once, draws thumbnails.
// `window.kernel` is what a test turns: `down`, `refuse`, `delay`; and looks at: `operations`, `images`, `clauses`, `order`.

const COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9"];
const NAMES = ["interphase", "prophase", "metaphase", "anaphase", "telophase", "debris with a rather long name"];

const CHANNELS = [["DAPI", "#0000ff"], ["tubulin", "#00ff00"]];
const PLANES = 3;

/** 16-bit pixels of one channel and plane: blobs over a noisy ground. */
function measured(id, channel, plane, side) {
  const random = (n) => ((Math.sin(id * 12.9898 + n * 78.233) * 43758.5453) % 1 + 1) % 1;
  const values = new Uint16Array(side * side);
  for (let at = 0; at < values.length; at++) {
    const y = Math.floor(at / side), x = at % side;
    let value = 200 + 80 * random(at + channel * 7);
    for (let blob = 0; blob < 2 + channel; blob++) {
      const [cy, cx, r] = [side * (0.3 + 0.4 * random(blob + channel)), side * (0.3 + 0.4 * random(blob + 9)), side * (0.08 + 0.1 * random(blob + 5))];
      value += (3000 + 900 * channel) * Math.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r * r)) / (1 + Math.abs(plane - 1) * 0.7);
    }
    values[at] = value;
  }
  return values;
}

/** A cell of a sort, as PNG bytes. */
async function picture(id, side) {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d");
  const random = (n) => ((Math.sin(id * 12.9898 + n * 78.233) * 43758.5453) % 1 + 1) % 1;
  context.fillStyle = "#07090c";
  context.fillRect(0, 0, side, side);
  for (let blob = 0; blob < 2 + (id % 3); blob++) {
    const x = side * (0.3 + 0.4 * random(blob)), y = side * (0.3 + 0.4 * random(blob + 9)), r = side * (0.12 + 0.16 * random(blob + 5));
    const glow = context.createRadialGradient(x, y, r * 0.1, x, y, r);
    glow.addColorStop(0, blob ? "rgba(120,255,170,.9)" : "rgba(140,180,255,.95)");
    glow.addColorStop(1, "rgba(0,0,0,0)");
    context.fillStyle = glow;
    context.fillRect(0, 0, side, side);
  }
  return (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer();
}

/** @param {number} id */
const nameOf = (id) => `cell_${String(id).padStart(4, "0")}.tif`;

export class FakeKernel {
  constructor({ count = 400, categories = 5, side = 96, predictions = false } = {}) {
    this.side = side;
    this.revision = 1;
    this.down = false;
    this.refuse = "";
    this.delay = 5;
    this.operations = [];
    this.applied = new Map();
    this.predicted = predictions && categories ? "experiment-1" : null;
    this.categories = NAMES.slice(0, categories).map((name, at) => ({ id: at + 1, name, color: COLORS[at], key: "" }));
    this.nextCategory = categories + 1;
    this.images = Array.from({ length: count }, (_, at) => ({
      id: at + 1,
      category: categories && (at * 7) % 10 < 4 ? 1 + ((at * 13) % categories) : 0,
      partition: (at * 7) % 10 < 4 ? 1 + (at % 3) : 0,
      flags: at % 61 === 60 ? 1 : 0,
      origin: categories && (at * 7) % 10 < 4 ? [9, 2 + 8, 3, 1][(at >> 2) % 4] : 0,
      refused: 0,
      fixed: 0,
      prediction: predictions && categories ? 1 + ((at * 3 + (at >> 3)) % categories) : 0,
      confidence: 0.4 + ((at * 37) % 60) / 100,
    }));
    this.listeners = new Map();
    this.state = { project_uid: "p-" + Math.random(), _own_id: "w-" + Math.random(), _selection: null, _filter: null, _order: null, _shown: null };
    this.display = {
      channels: CHANNELS.map(([name, color]) => ({ name, color, visible: true, window: [200, 4000], automatic: true, gamma: 1 })),
      contrast: "project", plane: 0, read_only: false,
    };
    this.pictures = 1;
    this.asked = [];
    this.cancelled = new Set();
    this.sent = [];
  }

  // The side of the model.
  get(name) { return this.state[name]; }
  on(event, listener) { this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]); }
  off(event, listener) { this.listeners.set(event, (this.listeners.get(event) ?? []).filter((each) => each !== listener)); }
  send(content, _, buffers) {
    this.sent.push(content);
    if (!this.down) setTimeout(() => this.hear(content, buffers ?? []), this.delay);
  }

  set(name, value) {
    this.state[name] = value;
    for (const listener of this.listeners.get(`change:${name}`) ?? []) listener();
  }

  say(content, buffers = []) {
    // Buffers arrive as views somewhere in a larger buffer.
    const views = buffers.map((buffer) => {
      const bytes = new Uint8Array(buffer.byteLength + 3);
      bytes.set(new Uint8Array(buffer), 3);
      return new DataView(bytes.buffer, 3);
    });
    if (!this.down) for (const listener of this.listeners.get("msg:custom") ?? []) listener(content, views);
  }

  pack(images) {
    const column = (Type, field) => Type.from(images, (image) => image[field]).buffer;
    return [column(Float64Array, "id"), column(Int32Array, "category"), column(Uint8Array, "partition"),
      column(Uint8Array, "flags"), column(Uint8Array, "origin"), column(Int32Array, "prediction"), column(Int32Array, "refused"),
      column(Float32Array, "confidence"), column(Uint8Array, "fixed")];
  }

  // The side of Python.
  async hear(content, buffers) {
    const { id, kind } = content;
    const now = { revision: this.revision, categories: this.categories, pictures: String(this.pictures), predictions: this.predicted };
    if (kind === "open") {
      const fields = [["name", "text"], ["labeled_by", "text"], ["added", "number"], ["width", "number"], ["margin", "number"], ["entropy", "number"],
        ["brightness", "number"], ["well", "text"], ["dose", "number"]].map(([name, kind]) => ({ name, kind }));
      this.say({ id, ...now, project: "cells", read_only: this.readOnly ?? false, fields }, this.pack(this.images));
    } else if (kind === "changes") this.say({ id, from: content.since, to: this.revision, ...now }, this.pack(this.images));
    else if (kind === "describe") {
      this.say({ id, description: { name: nameOf(content.image), height: 96, width: 96, channels: 2, planes: PLANES, pixel_size: [0.5, 0.325, 0.325] } });
    } else if (kind === "cancel") this.cancelled.add(id);
    else if (kind === "selection") this.selection = [...new Float64Array(buffers[0])];
    else if (kind === "filter") this.clauses = content.clauses;
    else if (kind === "order") this.order = content.order;
    else if (kind === "show") this.set("_shown", null);
    else if (kind === "thumbnails") await this.draw(content, [...new Float64Array(buffers[0])]);
    else if (kind === "operation") this.operate(content, buffers);
    else if (kind === "field") this.field(content);
    else if (kind === "query") this.say({ id, query: content.query }, [Float64Array.from(this.images.filter((each) => each.id % 2), (each) => each.id).buffer]);
    else if (kind === "image") this.image(content);
    else if (kind === "pixels") this.pixels(content);
    else if (kind === "display") this.say({ id, display: this.display });
    else if (kind === "set_display") this.setDisplay(content);
  }

  /** Names and wells are texts, everything else is a number. */
  field({ id, name }) {
    if (this.failing?.includes(name)) return this.say({ id, error: `The field ${name} cannot be read.` });
    const ids = Float64Array.from(this.images, (each) => each.id).buffer;
    const texts = { name: (each) => nameOf(each.id), well: (each) => (each.id % 5 ? `A${each.id % 12 + 1}` : null), labeled_by: (each) => (each.category ? "ann" : null) }[name];
    if (texts) {
      const all = this.images.map(texts);
      const values = [...new Set(all.filter((each) => each !== null))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
      const place = new Map(values.map((value, at) => [value, at]));
      const codes = Int32Array.from(all, (value) => (value === null ? -1 : place.get(value))).buffer;
      return this.say({ id, name, kind: "text" }, [ids, codes, new TextEncoder().encode(JSON.stringify(values)).buffer]);
    }
    const numbers = { added: (each) => each.id, width: () => 96, dose: (each) => (each.id % 4 ? (each.id % 4) / 10 : NaN) }[name] ?? ((each) => ((each.id * 37) % 101) / 100);
    this.say({ id, name, kind: "number" }, [ids, Float64Array.from(this.images, numbers).buffer]);
  }

  image({ id, image }) {
    this.say({ id, image: {
      id: image, name: nameOf(image), height: this.side, width: this.side, channels: CHANNELS.length, planes: PLANES, dtype: "uint16",
      pixel_size: [0.5, 0.325, 0.325], windows: this.display.channels.map((channel) => channel.window), plane: this.display.plane,
    } });
  }

  pixels({ id, image, plane, channels, region: [top, left, height, width], step }) {
    (this.seen ??= []).push({ image, plane, channels, region: [top, left, height, width], step });
    const [h, w] = [Math.ceil(height / step), Math.ceil(width / step)];
    const buffers = channels.map((channel) => {
      const whole = measured(image, channel, plane === "max" || plane === "middle" ? 1 : plane, this.side);
      return Uint16Array.from({ length: h * w }, (_, at) => {
        const [y, x] = [top + Math.floor(at / w) * step, left + (at % w) * step];
        let sum = 0, count = 0;
        for (let dy = 0; dy < step && y + dy < top + height; dy++) {
          for (let dx = 0; dx < step && x + dx < left + width; dx++, count++) sum += whole[(y + dy) * this.side + x + dx];
        }
        return Math.round(sum / count);
      }).buffer;
    });
    this.say({ id, dtype: "uint16", shape: [h, w], plane: plane === "max" ? null : plane, step }, buffers);
  }

  setDisplay({ id, channel, reset, plane, contrast, window, ...rest }) {
    const { channels } = this.display;
    if (channel !== undefined) {
      Object.assign(channels[channel], Object.fromEntries(["color", "visible", "gamma"].filter((name) => name in rest).map((name) => [name, rest[name]])));
      if (window !== undefined) Object.assign(channels[channel], { window: window === "auto" ? [200, 4000] : window, automatic: window === "auto" });
    }
    if (reset) channels.forEach((each) => Object.assign(each, { visible: true, window: [200, 4000], automatic: true, gamma: 1 }));
    if (plane !== undefined) this.display.plane = plane;
    if (contrast !== undefined) this.display.contrast = contrast;
    this.pictures++;
    const from = this.revision++;
    this.say({ kind: "delta", from, to: this.revision, categories: null, pictures: String(this.pictures), predictions: this.predicted }, this.pack([]));
    this.say({ id, display: this.display });
  }

  async draw({ id, size }, ids) {
    this.asked.push({ id, ids, size });
    const pictures = await Promise.all(ids.map((image) => picture(image, Math.min(size, this.side))));
    const names = Object.fromEntries(ids.map((image) => [image, nameOf(image)]));
    this.say({ id, kind: "thumbnails", ids, size, names }, pictures);
  }

  operate(content, buffers) {
    const { id, client, sequence, action, argument } = content;
    const key = `${client}:${sequence}`;
    const answer = { id, kind: "operation", client, sequence, message: "Done.", skipped: 0, changed: 0 };
    if (this.refuse) return this.say({ ...answer, error: this.refuse, final: true });
    if (!this.applied.has(key)) {
      const from = this.revision;
      const ids = content.images ? [...new Float64Array(buffers[0])] : [];
      this.operations.push({ action, argument, ids });
      const before = JSON.stringify([this.images, this.categories]);
      if (action === "undo") this.restore(this.history?.pop());
      else (this.history ??= []).push(before);
      this.apply(action, argument, new Set(ids));
      this.applied.set(key, ++this.revision);
      this.say({ kind: "delta", from, to: this.revision, categories: this.categories, pictures: String(this.pictures), predictions: this.predicted }, this.pack(this.images));
    }
    this.say({ ...answer, revision: this.applied.get(key) });
  }

  restore(state) {
    if (state) [this.images, this.categories] = JSON.parse(state);
  }

  apply(action, argument, ids) {
    const named = this.categories.find((each) => each.name === argument.name);
    const chosen = this.images.filter((image) => ids.has(image.id));
    const edit = (news) => chosen.forEach((image) => Object.assign(image, typeof news === "function" ? news(image) : news));
    const change = (news) => (this.categories = this.categories.map((each) => (each === named ? { ...each, ...news } : each)));
    const move = (names, to) => {
      const gone = this.categories.filter((each) => names.includes(each.name));
      for (const image of this.images) if (gone.some((each) => each.id === image.category)) image.category = to;
      this.categories = this.categories.filter((each) => !gone.includes(each));
    };
    const idOf = (name) => this.categories.find((each) => each.name === name)?.id ?? 0;
    if (action === "label") edit({ category: named.id, origin: 9 });
    if (action === "unlabel") edit({ category: 0, origin: 0 });
    if (action === "exclude") edit((image) => ({ flags: image.flags | 1 }));
    if (action === "include") edit((image) => ({ flags: image.flags & ~1 }));
    if (action === "mark_unsure") edit((image) => ({ flags: image.flags | 2 }));
    if (action === "mark_sure") edit((image) => ({ flags: image.flags & ~2 }));
    if (action === "accept_predictions") edit((image) => (image.prediction ? { category: image.prediction, origin: 10 } : {}));
    if (action === "refuse_predictions") edit((image) => ({ refused: image.prediction }));
    if (action === "add_category") this.categories = [...this.categories, { id: this.nextCategory++, name: argument.name, color: argument.color, key: "" }];
    if (action === "rename_category") change({ name: argument.new });
    if (action === "recolor_category") change({ color: argument.color });
    if (action === "set_category_key") {
      this.categories = this.categories.map((each) => (each.name === argument.name ? { ...each, key: argument.key } : each.key === argument.key ? { ...each, key: "" } : each));
    }
    if (action === "remove_category") move([argument.name], idOf(argument.move_to));
    if (action === "merge_categories") move(argument.names.filter((name) => name !== argument.into), idOf(argument.into));
    if (action === "reorder_categories") this.categories = argument.names.map((name) => this.categories.find((each) => each.name === name));
  }
}

/** Show a labeler with a fake kernel in the page's `#host`. */
export async function start(code, options) {
  const kernel = new FakeKernel(options);
  if (options.project) kernel.state.project_uid = options.project;
  if (options.readOnly) kernel.readOnly = kernel.display.read_only = true;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const widget = (await import(url)).default();
  const host = document.getElementById("host");
  window.kernel = kernel;
  window.made = { model: kernel, widget };
  kernel.again = (more) => start(code, more);
  window.dispose = [await widget.initialize({ model: kernel }), await widget.render({ model: kernel, el: host })];
}
