import assert from "node:assert/strict";
import { test } from "node:test";
import { Thumbnails } from "../../piximi_widgets/widgets/labeler/js/kernel/thumbnails.js";

/** @param {object} [options] */
function loader(options) {
  const asked = /** @type {{ id: string, ids: number[], size: number }[]} */ ([]);
  const cancelled = /** @type {string[]} */ ([]);
  const thumbnails = new Thumbnails({
    ask: (ids, size) => {
      asked.push({ id: String(asked.length), ids, size });
      return String(asked.length - 1);
    },
    cancel: (id) => cancelled.push(id),
    arrived: () => {},
    ...options,
  });
  const answer = (/** @type {number} */ question, bytes = 10) => {
    const { id, ids, size } = asked[question];
    thumbnails.receive({ id, ids, size }, ids.map(() => new DataView(new ArrayBuffer(bytes))));
  };
  return { thumbnails, asked, cancelled, answer };
}

test("what is here or on its way is not asked for again", () => {
  const { thumbnails, asked, answer } = loader();
  thumbnails.want([1, 2], 96);
  thumbnails.want([1, 2, 3], 96);
  answer(0);
  thumbnails.want([1, 2, 3], 96);
  assert.deepEqual(asked.map((each) => each.ids), [[1, 2], [3]]);
  thumbnails.close();
});

test("what was scrolled past is cancelled", () => {
  const { thumbnails, asked, cancelled } = loader();
  thumbnails.want([1, 2], 96);
  thumbnails.want([8, 9], 96);
  assert.deepEqual(cancelled, ["0"]);
  thumbnails.want([1, 2], 96);
  assert.equal(asked.length, 3);
  thumbnails.close();
});

test("a larger picture replaces a smaller one, never the other way", () => {
  const { thumbnails, asked, answer } = loader();
  thumbnails.want([1], 96);
  thumbnails.want([1], 192);
  answer(1);
  answer(0);
  assert.equal(thumbnails.get(1)?.size, 192);
  thumbnails.want([1], 96);
  assert.equal(asked.length, 2);
  thumbnails.close();
});

// Ten bytes are 38 characters of a data address, twenty are 50.
test("the cache keeps its bound, the pictures in sight, and forgets the least recently seen", () => {
  const { thumbnails, answer } = loader({ budget: 120 });
  thumbnails.want([1, 2], 96);
  answer(0);
  thumbnails.get(1);
  thumbnails.want([3, 4], 96);
  answer(1);
  assert.ok(thumbnails.bytes <= 120);
  assert.deepEqual([1, 2, 3, 4].filter((id) => thumbnails.get(id)), [1, 3, 4]);
  thumbnails.close();
});

test("a lost answer is asked for again; a picture that cannot be made is not", async () => {
  const { thumbnails, asked } = loader({ patience: 10 });
  thumbnails.want([1, 2], 96);
  thumbnails.receive({ id: "0", ids: [], size: 96, failures: { 2: "truncated file" } }, []);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(asked[1].ids, [1]);
  assert.equal(thumbnails.failures.get(2), "truncated file");
  thumbnails.close();
});

test("when pictures look different, what is seen is asked for again and shown as it was until then", () => {
  const { thumbnails, asked, cancelled, answer } = loader();
  thumbnails.want([1, 2], 96);
  answer(0, 10);
  thumbnails.want([1, 2, 3], 96);
  const before = thumbnails.get(1)?.url;
  thumbnails.renew();
  assert.deepEqual(cancelled, ["1"]);
  assert.deepEqual(asked.at(-1)?.ids, [1, 2, 3]);
  assert.equal(thumbnails.get(1)?.url, before);
  // The answer to the question from before comes too late.
  answer(1, 10);
  answer(2, 20);
  assert.notEqual(thumbnails.get(1)?.url, before);
  assert.equal(thumbnails.get(1)?.bytes, 50);
  assert.equal(thumbnails.get(3)?.bytes, 50);
  thumbnails.close();
});

test("a picture is its bytes, whatever they are", () => {
  const { thumbnails } = loader();
  thumbnails.want([1], 96);
  const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 31) % 256);
  thumbnails.receive({ id: "0", ids: [1], size: 96 }, [new DataView(bytes.buffer)]);
  const [head, body] = (thumbnails.get(1)?.url ?? "").split(",");
  assert.equal(head, "data:image/png;base64");
  assert.deepEqual(new Uint8Array(Buffer.from(body, "base64")), bytes);
  thumbnails.close();
});

test("a kernel that has no larger pictures is not asked for them for ever", () => {
  const { thumbnails, asked } = loader();
  thumbnails.want([1], 1024);
  thumbnails.receive({ id: "0", ids: [1], size: 384 }, [new DataView(new ArrayBuffer(10))]);
  thumbnails.want([1], 1024);
  assert.equal(asked.length, 1);
  thumbnails.close();
});

test("a slow question keeps its time while pictures come, and is cancelled before it is asked again", async () => {
  const { thumbnails, asked, cancelled } = loader({ patience: 40 });
  const pause = (/** @type {number} */ time) => new Promise((resolve) => setTimeout(resolve, time));
  thumbnails.want([1, 2, 3], 96);
  for (const id of [1, 2]) {
    await pause(25);
    thumbnails.receive({ id: "0", ids: [id], size: 96 }, [new DataView(new ArrayBuffer(10))]);
  }
  assert.equal(asked.length, 1);
  await pause(80);
  assert.deepEqual([asked[1].ids, cancelled[0]], [[3], "0"]);
  thumbnails.close();
});
