// Fields and queries, asked of a kernel behind a bad connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Asking } from "../../piximi_widgets/widgets/labeler/js/kernel/asking.js";
import { Cancelled, Channel } from "../../piximi_widgets/widgets/labeler/js/kernel/channel.js";
import { Store } from "../../piximi_widgets/widgets/labeler/js/state/store.js";
import { columnsOf } from "./columns.js";

const CATEGORIES = [{ id: 1, name: "a", color: "#111111", key: "" }];

/** A model whose messages `answer` sees; what it says comes back as if from the kernel. */
class Line {
  /** @param {(content: any, line: Line) => void} answer */
  constructor(answer) {
    this.answer = answer;
    /** @type {any[]} */
    this.heard = [];
    /** @type {any} */
    this.listener = null;
  }

  get() {}
  on(/** @type {string} */ _, /** @type {any} */ listener) {
    this.listener = listener;
  }
  off() {}
  send(/** @type {any} */ content) {
    this.heard.push(content);
    setTimeout(() => this.answer(content, this));
  }
  say(/** @type {any} */ content, /** @type {ArrayBufferView[]} */ ...buffers) {
    this.listener(content, buffers.map((buffer) => new DataView(buffer.buffer)));
  }
}

/**
 * @param {(content: any, line: Line) => void} answer
 * @param {number} [patience]
 */
function opened(answer, patience = 150) {
  const line = new Line(answer);
  const store = new Store();
  const channel = new Channel(line, "c", { patience: [patience] });
  const asking = new Asking(channel, store);
  store.load({ revision: 1, categories: CATEGORIES, project: "p", predictions: null, read_only: false, fields: [] }, columnsOf(3));
  return { line, store, channel, asking };
}

const pause = (/** @type {number} */ time) => new Promise((resolve) => setTimeout(resolve, time));
/** Wait until something is true; a test that waits in vain says so. @param {() => boolean} condition */
async function until(condition) {
  for (let left = 500; left > 0 && !condition(); left--) await pause(10);
  assert.ok(condition(), String(condition));
}
const DOSES = [Float64Array.of(3, 1, 2), Float64Array.of(0.3, 0.1, 0.2)];

test("a field that is asked for twice is asked once, again when the question was lost, and is put in rows", async () => {
  let lost = 1;
  const { line, store, asking, channel } = opened(({ id, name }, line) => {
    if (lost-- > 0) return;
    line.say({ id, name, kind: "number" }, ...DOSES);
  });
  const [first, second] = await Promise.all([asking.field("dose"), asking.field("dose")]);
  assert.equal(first, second);
  assert.deepEqual(first.kind === "number" && [...first.data], [0.1, 0.2, 0.3]);
  assert.equal(line.heard.length, 2, "once, and once more");
  assert.equal(store.fieldData("dose"), first);
  assert.equal((await asking.field("category")).name, "category", "the page holds this one");
  assert.equal(line.heard.length, 2);
  asking.close();
  channel.close();
});

test("a filter makes the page ask, and labels make it ask a query again", async () => {
  let ids = [1];
  const { line, store, asking, channel } = opened(({ id, kind, query }, line) => {
    if (kind === "query") line.say({ id, query }, Float64Array.from(ids));
  });
  store.setFilter([{ query: "dose > 1 or unsure" }]);
  await until(() => store.selection.order.length === 1);
  assert.deepEqual([...store.selection.order], [1]);
  ids = [2, 3];
  store.advance({ from: 1, to: 2, categories: null }, columnsOf(1, { category: [1] }));
  store.refresh();
  await until(() => store.selection.order.length === 2);
  assert.deepEqual([...store.selection.order], [2, 3]);
  assert.equal(line.heard.filter((each) => each.kind === "query").length, 2);
  asking.close();
  channel.close();
});

test("a refusal is said where the user looks", async () => {
  const { store, asking, channel } = opened(({ id }, line) => line.say({ id, error: "There is no column 'dosis'." }));
  store.setFilter([{ field: "dosis", min: 1 }]);
  await until(() => store.notice !== null);
  assert.deepEqual([store.notice?.tone, store.notice?.text], ["error", "There is no column 'dosis'."]);
  asking.close();
  channel.close();
});

test("what takes long shows how far it is and can be cancelled, and is not asked again meanwhile", async () => {
  const { line, store, asking, channel } = opened(({ id, kind }, line) => {
    if (kind !== "field") return;
    const timer = setInterval(() => {
      if (line.heard.some((each) => each.kind === "cancel")) clearInterval(timer);
      else line.say({ kind: "progress", question: id, done: 5, total: 20 });
    }, 5);
  }, 60);
  const asked = asking.field("brightness");
  await pause(300);
  assert.equal(store.notice?.text, "Reading brightness: 5 of 20 images …");
  assert.equal(line.heard.length, 1);
  store.notice?.actions?.[0].run();
  await assert.rejects(asked, Cancelled);
  assert.deepEqual(line.heard.at(-1), { kind: "cancel", id: line.heard[0].id });
  assert.equal(store.notice, null);
  asking.close();
  channel.close();
});
