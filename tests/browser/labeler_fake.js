// A kernel of a few lines for the labeler in a bare page: holds images, applies operations once, draws thumbnails.
// `window.kernel` is what a test turns: `down`, `refuse`, `delay`; and looks at: `operations`, `images`.

const COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9"];
const NAMES = ["interphase", "prophase", "metaphase", "anaphase", "telophase", "debris with a rather long name"];

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

export class FakeKernel {
  constructor({ count = 400, categories = 5, side = 96, predictions = false } = {}) {
    this.side = side;
    this.revision = 1;
    this.down = false;
    this.refuse = "";
    this.delay = 5;
    this.operations = [];
    this.applied = new Map();
    this.categories = NAMES.slice(0, categories).map((name, at) => ({ id: at + 1, name, color: COLORS[at] }));
    this.nextCategory = categories + 1;
    this.images = Array.from({ length: count }, (_, at) => ({
      id: at + 1,
      category: categories && (at * 7) % 10 < 4 ? 1 + ((at * 13) % categories) : 0,
      partition: (at * 7) % 10 < 4 ? 1 + (at % 3) : 0,
      excluded: at % 61 === 60 ? 1 : 0,
      prediction: predictions && categories ? 1 + ((at * 3 + (at >> 3)) % categories) : 0,
      confidence: 0.4 + ((at * 37) % 60) / 100,
    }));
    this.listeners = new Map();
    this.state = { project_uid: "p-" + Math.random(), _selection: null, _filter: null, _shown: null };
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
      column(Uint8Array, "excluded"), column(Int32Array, "prediction"), column(Float32Array, "confidence")];
  }

  // The side of Python.
  async hear(content, buffers) {
    const { id, kind } = content;
    if (kind === "open") this.say({ id, revision: this.revision, categories: this.categories, project: "cells" }, this.pack(this.images));
    else if (kind === "changes") this.say({ id, from: content.since, to: this.revision, categories: this.categories }, this.pack(this.images));
    else if (kind === "describe") {
      this.say({ id, description: { name: `cell_${String(content.image).padStart(4, "0")}.tif`, height: 96, width: 96, channels: 2 } });
    } else if (kind === "cancel") this.cancelled.add(id);
    else if (kind === "selection") this.selection = [...new Float64Array(buffers[0])];
    else if (kind === "filter") this.filter = content.filter;
    else if (kind === "show") this.set("_shown", null);
    else if (kind === "thumbnails") await this.draw(content, [...new Float64Array(buffers[0])]);
    else if (kind === "operation") this.operate(content, buffers);
  }

  async draw({ id, size }, ids) {
    this.asked.push({ id, ids, size });
    const pictures = await Promise.all(ids.map((image) => picture(image, Math.min(size, this.side))));
    const names = Object.fromEntries(ids.map((image) => [image, `cell_${String(image).padStart(4, "0")}.tif`]));
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
      this.say({ kind: "delta", from, to: this.revision, categories: this.categories }, this.pack(this.images));
    }
    this.say({ ...answer, revision: this.applied.get(key) });
  }

  restore(state) {
    if (state) [this.images, this.categories] = JSON.parse(state);
  }

  apply(action, argument, ids) {
    const named = this.categories.find((each) => each.name === argument.name);
    for (const image of this.images) {
      if (action === "label" && ids.has(image.id)) image.category = named.id;
      if (action === "unlabel" && ids.has(image.id)) image.category = 0;
      if (action === "exclude" && ids.has(image.id)) image.excluded = 1;
      if (action === "include" && ids.has(image.id)) image.excluded = 0;
      if (action === "remove_category" && image.category === named.id) image.category = 0;
    }
    if (action === "add_category") this.categories = [...this.categories, { id: this.nextCategory++, name: argument.name, color: argument.color }];
    if (action === "rename_category") this.categories = this.categories.map((each) => (each === named ? { ...each, name: argument.new } : each));
    if (action === "recolor_category") this.categories = this.categories.map((each) => (each === named ? { ...each, color: argument.color } : each));
    if (action === "remove_category") this.categories = this.categories.filter((each) => each !== named);
  }
}

/** Show a labeler with a fake kernel in the page's `#host`. */
export async function start(code, options) {
  const kernel = new FakeKernel(options);
  if (options.project) kernel.state.project_uid = options.project;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const widget = (await import(url)).default();
  const host = document.getElementById("host");
  window.kernel = kernel;
  kernel.again = (more) => start(code, more);
  window.dispose = [await widget.initialize({ model: kernel }), await widget.render({ model: kernel, el: host })];
}
