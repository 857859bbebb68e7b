import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedDisplay } from "../../piximi_widgets/widgets/labeler/js/viewer/display.js";
import { planeOf, planeText } from "../../piximi_widgets/widgets/labeler/js/viewer/planes.js";
import { imageText, placeText, valueAt } from "../../piximi_widgets/widgets/labeler/js/viewer/readout.js";

/** @typedef {import("../../piximi_widgets/widgets/labeler/js/viewer/details.js").Details} Details */

const settled = () => new Promise((resolve) => setImmediate(resolve));
/** @type {import("../../piximi_widgets/widgets/labeler/js/viewer/display.js").ChannelDisplay} */
const CHANNEL = { name: "DAPI", color: "#0000ff", visible: true, window: [100, 900], automatic: true, gamma: 1 };

/** @param {object} [more] @returns {Details} */
const details = (more) => /** @type {Details} */ ({ id: 1, name: "a", height: 4, width: 6, channels: 1, planes: 1, dtype: "uint16", pixel_size: null, windows: [[10, 20]], plane: 0, ...more });

/** A display over a kernel that answers when it is told to. @param {object} [more] */
async function opened(more) {
  /** @type {{ kind: string, content: any, answer: (display: any) => Promise<any>, refuse: (sentence: string) => Promise<any> }[]} */
  const asked = [];
  /** @type {string[]} */
  const said = [];
  const display = new SharedDisplay({
    ask: (kind, content) =>
      new Promise((resolve, reject) => {
        asked.push({
          kind, content,
          answer: (answer) => (resolve({ content: { display: answer }, buffers: [] }), settled()),
          refuse: (sentence) => (reject(new Error(sentence)), settled()),
        });
      }),
    changed: () => {},
    refused: (sentence) => said.push(sentence),
    kept: () => said.push("kept"),
  });
  /** @type {import("../../piximi_widgets/widgets/labeler/js/viewer/display.js").Display} */
  const shared = { channels: [CHANNEL], contrast: "project", plane: 0, read_only: false, ...more };
  display.load();
  await asked[0].answer(shared);
  return { display, asked, said, shared, now: () => display.channelsOf(details())[0] };
}

test("an automatic channel has the image's window, a chosen one its own", async () => {
  const { display, shared, now } = await opened();
  assert.deepEqual(now().window, [10, 20]);
  display.shared = { ...shared, channels: [{ ...CHANNEL, automatic: false }] };
  assert.deepEqual(now().window, [100, 900]);
});

test("a change shows at once and gives way to the answer", async () => {
  const { display, asked, shared, now } = await opened();
  display.preview(0, { window: [1, 2] });
  display.preview(0, { window: [1, 3] });
  assert.deepEqual([now().window, now().automatic, asked.length], [[1, 3], false, 1]);
  display.commit(0, { window: [1, 3] });
  assert.deepEqual([asked[1].kind, asked[1].content], ["set_display", { channel: 0, window: [1, 3] }]);
  await asked[1].answer({ ...shared, channels: [{ ...CHANNEL, window: [1, 4], automatic: false }] });
  assert.deepEqual([now().window, display.drafts.size], [[1, 4], 0]);
});

test("what is refused goes back, and the sentence is said", async () => {
  const { display, asked, said, now } = await opened();
  display.commit(0, { gamma: 3, color: "#ffffff" });
  assert.equal(now().gamma, 3);
  await asked[1].refuse("The gamma is a number above 0.");
  assert.deepEqual([now().gamma, now().color, said], [1, "#0000ff", ["The gamma is a number above 0."]]);
});

test("a newer change is not undone by the answer to an older one", async () => {
  const { display, asked, shared, now } = await opened();
  display.commit(0, { window: [1, 2] });
  display.commit(0, { window: [1, 3] });
  await asked[1].answer({ ...shared, channels: [{ ...CHANNEL, window: [1, 2], automatic: false }] });
  assert.deepEqual(now().window, [1, 3]);
  await asked[2].answer({ ...shared, channels: [{ ...CHANNEL, window: [1, 3], automatic: false }] });
  assert.deepEqual([now().window, display.drafts.size], [[1, 3], 0]);
});

test("answers that overtake each other leave the later one", async () => {
  const { display, asked, shared } = await opened();
  display.set({ contrast: "image" });
  display.set({ contrast: "project" });
  await asked[2].answer({ ...shared, contrast: "project" });
  await asked[1].answer({ ...shared, contrast: "image" });
  assert.equal(display.shared?.contrast, "project");
});

test("automatic is chosen at once, with the former window until the answer says the new one", async () => {
  const { display, asked, now, shared } = await opened({ channels: [{ ...CHANNEL, automatic: false }] });
  display.commit(0, { window: "auto" });
  assert.deepEqual([asked[1].content, now().automatic, now().window], [{ channel: 0, window: "auto" }, true, [100, 900]]);
  await asked[1].answer({ ...shared, channels: [CHANNEL] });
  assert.deepEqual(now().window, [10, 20]);
});

test("in a project that can only be read changes stay here, and go with Automatic or Reset", async () => {
  const { display, asked, said, now } = await opened({ read_only: true });
  display.commit(0, { window: [5, 6] });
  display.commit(0, { gamma: 2 });
  assert.deepEqual([now().window, now().gamma, asked.length, said], [[5, 6], 2, 1, ["kept", "kept"]]);
  display.commit(0, { window: "auto" });
  assert.deepEqual([now().window, now().gamma], [[10, 20], 2]);
  display.set({ reset: true });
  assert.equal(now().gamma, 1);
});

test("the only channel of an image is grey among images with several, unless another colour was chosen", async () => {
  const red = { ...CHANNEL, color: "#ff0000" };
  const { display, shared } = await opened({ channels: [red, CHANNEL] });
  assert.equal(display.channelsOf(details())[0].color, "#ffffff");
  assert.equal(display.channelsOf(details({ channels: 2, windows: [[0, 1], [0, 1]] }))[0].color, "#ff0000");
  display.shared = { ...shared, channels: [{ ...red, color: "#00ff00" }, CHANNEL] };
  assert.equal(display.channelsOf(details())[0].color, "#00ff00");
});

test("a channel that the project does not know is shown as by default", async () => {
  const { display } = await opened();
  const channels = display.channelsOf(details({ channels: 4, windows: [[0, 1], [0, 2], [0, 3], [4, 4]] }));
  assert.deepEqual(channels.map(({ visible }) => visible), [true, true, true, false]);
  assert.deepEqual(channels.map(({ window }) => window), [[0, 1], [0, 2], [0, 3], [4, 5]]);
  assert.equal(channels[3].name, "channel 3");
});

test("the plane is the wished one as far as the image has it", () => {
  assert.deepEqual([planeOf(3, 9), planeOf(9, 4), planeOf("middle", 9), planeOf("max", 9), planeOf("max", 1), planeOf(-1, 4)], [3, 3, 4, "max", 0, 0]);
  assert.deepEqual([planeText(0, 9), planeText("max", 9)], ["Plane 1 of 9", "Maximum of 9 planes"]);
});

test("the value under the pointer comes from the finest piece that has it", () => {
  /** @param {number} step @param {number[]} values @param {number} width @param {number} left */
  const piece = (step, values, width, left) =>
    /** @type {any} */ ({ tile: { step, top: 0, left, height: (values.length / width) * step, width: width * step }, data: Uint16Array.from(values), width, height: values.length / width });
  const coarse = piece(4, [1, 2, 3, 4], 2, 0);
  const fine = piece(1, [10, 11, 12, 13], 2, 4);
  assert.deepEqual(valueAt([coarse], { x: 7, y: 3 }), { value: 2, exact: false });
  assert.deepEqual(valueAt([coarse, fine], { x: 5, y: 1 }), { value: 13, exact: true });
  assert.deepEqual(valueAt([fine, coarse], { x: 0, y: 5 }), { value: 3, exact: false });
  assert.equal(valueAt([fine], { x: 0, y: 0 }), null);
});

test("places are counted from 0, with lengths where the pixel size is known", () => {
  assert.equal(placeText({ x: 7, y: 3 }, null), "Row 3, column 7");
  assert.equal(placeText({ x: 10, y: 3 }, [null, 0.5, 0.325]), "Row 3, column 10 (1.5 µm, 3.25 µm)");
  assert.equal(imageText(details({ planes: 3, pixel_size: [1, 0.5, 0.5] }), "max"), "6 × 4 (3 µm × 2 µm) · uint16 · Maximum of 3 planes");
});
