// The operation queue, session and channel against a kernel behind a bad connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import { idsFrom } from "../../piximi_widgets/widgets/labeler/js/kernel/bytes.js";
import { OperationQueue } from "../../piximi_widgets/widgets/labeler/js/kernel/operations.js";
import { Session } from "../../piximi_widgets/widgets/labeler/js/kernel/session.js";
import { buffersOf, columnsOf, generator } from "./columns.js";

const pause = (/** @type {number} */ time) => new Promise((resolve) => setTimeout(resolve, time));

/** A kernel that applies each operation once, behind a connection that drops, doubles and delays. */
class Kernel {
  /** @param {{ seed?: number, drop?: number, double?: number, longest?: number }} [faults] */
  constructor({ seed = 1, drop = 0, double = 0, longest = 0 } = {}) {
    this.random = generator(seed);
    this.faults = { drop, double, longest };
    this.connected = true;
    this.revision = 1;
    this.categories = [{ id: 1, name: "a", color: "#111111", key: "" }, { id: 2, name: "b", color: "#222222", key: "" }];
    this.category = new Int32Array(20);
    /** @type {Map<string, number>} */
    this.stored = new Map();
    /** @type {string[]} */
    this.order = [];
    this.refuses = (/** @type {any} */ _) => "";
    /** @type {Map<string, ((...values: any[]) => void)[]>} */
    this.listeners = new Map();
    this.state = { project_uid: "p", _selection: {}, _filter: {}, _order: {}, _shown: {} };
  }

  get(/** @type {string} */ name) {
    return /** @type {any} */ (this.state)[name];
  }

  on(/** @type {string} */ event, /** @type {any} */ listener) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
  }

  off(/** @type {string} */ event, /** @type {any} */ listener) {
    this.listeners.set(event, (this.listeners.get(event) ?? []).filter((each) => each !== listener));
  }

  /** @param {() => void} deliver */
  carry(deliver) {
    if (!this.connected || this.random() < this.faults.drop) return;
    const times = this.random() < this.faults.double ? 2 : 1;
    for (let time = 0; time < times; time++) setTimeout(deliver, this.random() * this.faults.longest);
  }

  send(/** @type {any} */ content, /** @type {any} */ _, /** @type {ArrayBuffer[]} */ buffers = []) {
    this.carry(() => this.hear(content, buffers));
  }

  say(/** @type {any} */ content, /** @type {ArrayBuffer[]} */ buffers = []) {
    this.carry(() => {
      for (const listener of this.listeners.get("msg:custom") ?? []) listener(content, buffers.map((buffer) => new DataView(buffer)));
    });
  }

  columns() {
    return buffersOf(columnsOf(this.category.length, { category: this.category }));
  }

  hear(/** @type {any} */ content, /** @type {ArrayBuffer[]} */ buffers) {
    const { id, kind, client, sequence, action, argument } = content;
    if (kind === "open") this.say({ id, revision: this.revision, categories: this.categories, project: "p" }, this.columns());
    if (kind === "changes") this.say({ id, from: content.since, to: this.revision, categories: this.categories }, this.columns());
    if (kind !== "operation") return;
    const answer = { id, kind, client, sequence, message: "", skipped: 0 };
    const error = this.refuses(content);
    if (error) return this.say({ ...answer, error, final: true });
    const key = `${client}:${sequence}`;
    if (!this.stored.has(key)) {
      const from = this.revision++;
      const target = this.categories.find((each) => each.name === argument.name);
      for (const image of idsFrom(buffers[0] ?? null)) this.category[image - 1] = action === "label" ? (target?.id ?? 0) : 0;
      this.stored.set(key, this.revision);
      this.order.push(key);
      this.say({ kind: "delta", from, to: this.revision, categories: this.categories }, this.columns());
    }
    this.say({ ...answer, revision: this.stored.get(key) });
  }
}

/** @param {Kernel} kernel */
function sessionOf(kernel) {
  const session = new Session(kernel);
  session.channel.patience = session.queue.patience = [12];
  return session;
}

/** @param {() => boolean} condition @param {string} what */
async function until(condition, what) {
  for (let turn = 0; turn < 600; turn++) {
    if (condition()) return;
    await pause(5);
  }
  assert.fail(`never: ${what}`);
}

test("every edit arrives once and in order over a connection that drops, doubles, delays and breaks", async () => {
  for (const seed of [1, 2, 3]) {
    const kernel = new Kernel({ seed, drop: 0.3, double: 0.3, longest: 9 });
    const session = sessionOf(kernel);
    await until(() => session.store.ready, "opened");
    const random = generator(seed + 100);
    const wished = new Int32Array(20);
    for (let edit = 0; edit < 30; edit++) {
      if (edit === 12) kernel.connected = false;
      if (edit === 18) kernel.connected = true;
      const ids = Float64Array.from(new Set([1, 2, 3].map(() => 1 + Math.floor(random() * 20))));
      const name = ["a", "b"][Math.floor(random() * 2)];
      if (random() < 0.2) session.operate("unlabel", ids);
      else session.operate("label", ids, { name });
      const operation = /** @type {any} */ (session.queue.pending.at(-1));
      for (const id of ids) wished[id - 1] = operation.action === "unlabel" ? 0 : name === "a" ? 1 : 2;
      assert.deepEqual([...session.store.category], [...wished], "shown at once");
      await pause(random() * 6);
    }
    await until(() => session.queue.pending.length === 0, `saved, seed ${seed}`);
    assert.deepEqual(kernel.order, Array.from({ length: 30 }, (_, at) => `${session.client}:${at + 1}`));
    assert.deepEqual([...kernel.category], [...wished]);
    assert.deepEqual([...session.store.category], [...wished]);
    assert.equal(session.store.saving, "saved");
    session.close();
  }
});

test("an edit that the kernel refuses is taken back, says why, and does not hold up the next", async () => {
  const kernel = new Kernel();
  kernel.refuses = ({ argument }) => (argument.name === "b" ? "There is no category “b”." : "");
  const session = sessionOf(kernel);
  await until(() => session.store.ready, "opened");
  session.operate("label", Float64Array.of(1, 2), { name: "b" });
  session.operate("label", Float64Array.of(2, 3), { name: "a" });
  assert.deepEqual([...session.store.category].slice(0, 3), [2, 1, 1]);
  await until(() => session.queue.pending.length === 0, "settled");
  assert.deepEqual([...session.store.category].slice(0, 3), [0, 1, 1]);
  assert.deepEqual([...kernel.category].slice(0, 3), [0, 1, 1]);
  assert.equal(session.store.notice?.text, "There is no category “b”.");
  session.close();
});

test("while the kernel is away, edits wait and are counted; when it is back, they are saved", async () => {
  const kernel = new Kernel();
  const session = sessionOf(kernel);
  await until(() => session.store.ready, "opened");
  kernel.connected = false;
  for (const id of [1, 2, 3]) session.operate("label", Float64Array.of(id), { name: "a" });
  assert.equal(session.store.saving, "saving");
  await until(() => session.store.saving === "offline", "offline");
  assert.equal(session.store.waiting, 3);
  kernel.connected = true;
  await until(() => session.store.saving === "saved", "saved");
  assert.deepEqual([...kernel.category].slice(0, 3), [1, 1, 1]);
  session.close();
});

test("a change by somebody else shows under the edits that are on their way", async () => {
  const kernel = new Kernel();
  const session = sessionOf(kernel);
  await until(() => session.store.ready, "opened");
  kernel.refuses = () => "";
  const hear = kernel.hear.bind(kernel);
  kernel.hear = (content, buffers) => content.kind !== "operation" && hear(content, buffers);
  session.operate("label", Float64Array.of(1), { name: "a" });
  kernel.category.set([2, 2]);
  const from = kernel.revision++;
  kernel.say({ kind: "delta", from, to: kernel.revision, categories: null }, kernel.columns());
  await until(() => session.store.category[1] === 2, "told");
  assert.equal(session.store.category[0], 1);
  kernel.hear = hear;
  await until(() => session.queue.pending.length === 0, "saved");
  assert.deepEqual([...session.store.category].slice(0, 2), [1, 2]);
  session.close();
});

test("an error that may pass leaves the edit waiting, with the reason", () => {
  const sent = /** @type {number[]} */ ([]);
  const queue = new OperationQueue({
    project: "p", client: "c", author: "ann", keep: { put() {}, remove() {} }, changed() {}, refused: () => assert.fail("not refused"),
    transmit: ({ sequence }) => sent.push(sequence),
  });
  queue.add("unlabel", Float64Array.of(1), {}, 0);
  queue.add("unlabel", Float64Array.of(2), {}, 0);
  queue.answered({ client: "c", sequence: 1, error: "OSError: no space left on device", final: false });
  assert.deepEqual([queue.state, queue.waiting, queue.reason], ["offline", 2, "OSError: no space left on device"]);
  queue.answered({ client: "c", sequence: 1, revision: 5 });
  assert.deepEqual([queue.state, queue.waiting, queue.reason], ["saving", 1, ""]);
  assert.deepEqual(sent, [1, 2], "one at a time");
  queue.close();
});
