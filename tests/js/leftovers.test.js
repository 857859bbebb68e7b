// Edits that a page could not save before it went, offered by the next one.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Keep } from "../../piximi_widgets/widgets/labeler/js/kernel/keep.js";
import { Session } from "../../piximi_widgets/widgets/labeler/js/kernel/session.js";
import { buffersOf, columnsOf } from "./columns.js";

Object.defineProperty(globalThis, "navigator", { value: { locks: { query: async () => ({ held: [] }), request: async () => {} } }, configurable: true });

/** @param {string} project @param {number} sequence @param {string} action @param {string} author */
const edit = (project, sequence, action, author = "ann") => ({
  project, client: "gone", author, sequence, action, argument: { name: "a" }, ids: action === "label" ? Float64Array.of(1) : null, base: 1, revision: null,
});

/** A page of `author`; its kernel answers the first question only. @param {string} project @param {object} [opened] @param {string} [author] */
async function page(project, opened = {}, author = "ann") {
  /** @type {any} */
  let listener = null;
  /** @type {any[]} */
  const heard = [];
  const model = {
    get: (/** @type {string} */ name) => ({ project_uid: project, _author: author, _own_id: "w" })[name],
    on: (/** @type {string} */ event, /** @type {any} */ listen) => event === "msg:custom" && (listener = listen),
    off: () => {},
    send: (/** @type {any} */ content) => {
      heard.push(content);
      if (content.kind !== "open") return;
      const project = { revision: 1, categories: [{ id: 1, name: "a", color: "#111111", key: "" }], project: "p", predictions: null, read_only: false, fields: [] };
      setTimeout(() => listener({ id: content.id, ...project, ...opened }, buffersOf(columnsOf(2)).map((buffer) => new DataView(buffer))));
    },
  };
  const session = new Session(model);
  await new Promise((resolve) => setTimeout(resolve, 80));
  return { session, operations: () => heard.filter((each) => each.kind === "operation").map((each) => each.action) };
}

/** @param {...ReturnType<typeof edit>} edits */
async function leave(...edits) {
  const keep = new Keep({ failed: () => assert.fail("storage works") });
  for (const each of edits) await keep.put(each);
  return keep;
}

test("they are offered to their own author only", async () => {
  const keep = await leave(edit("one", 1, "label"));
  const bob = await page("one", {}, "bob");
  assert.equal(bob.session.store.notice, null);
  const ann = await page("one");
  assert.match(ann.session.store.notice?.text ?? "", /1 edit from before/);
  for (const each of [bob, ann]) each.session.close();
  keep.close();
});

test("a project that can only be read leaves them for one that can be written", async () => {
  const keep = await leave(edit("two", 1, "label"));
  const { session } = await page("two", { read_only: true });
  assert.equal(session.store.notice, null);
  assert.equal((await keep.leftovers("two", "self")).length, 1);
  session.close();
  keep.close();
});

test("an undo without the edits before it is left out, since it would take back newer ones", async () => {
  const keep = await leave(edit("three", 4, "undo"), edit("three", 5, "label"), edit("three", 6, "undo"));
  const { session, operations } = await page("three");
  session.store.notice?.actions?.[0].run();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(session.queue.pending.map((each) => each.sequence), [5, 6]);
  assert.deepEqual(operations(), ["label"]);
  session.close();
  keep.close();
});
