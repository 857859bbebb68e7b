import assert from "node:assert/strict";
import { test } from "node:test";
import { countPartitions, followCategories, visibleRows } from "../../piximi_widgets/widgets/labeler/js/state/filter.js";
import { Store } from "../../piximi_widgets/widgets/labeler/js/state/store.js";
import { buffersOf, columnsOf, generator } from "./columns.js";
import { fieldFrom } from "../../piximi_widgets/widgets/labeler/js/state/fields.js";

const CATEGORIES = ["a", "b", "c"].map((name, at) => ({ id: at + 1, name, color: "#111111", key: "" }));

/** Images as plain objects, from which the oracle answers. @param {number} seed @param {number} count */
function someImages(seed, count) {
  const random = generator(seed);
  const below = (/** @type {number} */ most) => Math.floor(random() * most);
  return Array.from({ length: count }, (_, at) => {
    const category = below(4);
    return {
      id: at * 3 + 1, category, partition: below(4), flags: below(4), origin: category ? 1 + below(3) + 8 * below(2) : 0,
      prediction: below(4), refused: below(4), confidence: below(101) / 100, well: [null, "A1", "a10", "B 2"][below(4)], dose: [null, 0, 0.5, 3][below(4)],
    };
  });
}

/** @typedef {ReturnType<typeof someImages>[number]} Image */

/** @param {Image[]} images */
function storeOf(images) {
  const store = new Store();
  const column = (/** @type {keyof Image} */ name) => images.map((image) => Number(image[name]));
  const names = /** @type {const} */ (["category", "partition", "flags", "origin", "prediction", "refused", "confidence"]);
  const columns = columnsOf(images.length, { ids: column("id"), ...Object.fromEntries(names.map((name) => [name, column(name)])) });
  store.load({ revision: 1, categories: CATEGORIES, project: "p", predictions: "e", read_only: false, fields: [] }, columns);
  const values = ["A1", "a10", "B 2"];
  const codes = Int32Array.from(images, (image) => values.indexOf(image.well ?? ""));
  const [ids] = buffersOf(columns);
  const view = (/** @type {any} */ data) => new DataView(data.buffer ?? data);
  const text = new TextEncoder().encode(JSON.stringify(values));
  store.setField(fieldFrom({ name: "well", kind: "text" }, [view(ids), view(codes), view(text)], store.table));
  store.setField(fieldFrom({ name: "dose", kind: "number" }, [view(ids), view(Float64Array.from(images, (image) => image.dose ?? NaN))], store.table));
  return store;
}

const nameOf = (/** @type {number} */ id) => CATEGORIES.find((each) => each.id === id)?.name ?? null;
/** What a person sees of an image. @param {Image} image */
function seen(image) {
  const prediction = image.prediction === image.refused ? 0 : image.prediction;
  const both = image.category && prediction;
  return {
    category: nameOf(image.category), prediction: nameOf(prediction), partition: ["unassigned", "training", "validation", "test"][image.partition],
    origin: [null, "hand", "accepted", "imported"][image.origin % 8], agreement: both ? (image.category === prediction ? "agrees" : "differs") : null,
    confidence: prediction ? Math.fround(image.confidence) : null, well: image.well, dose: image.dose,
    excluded: image.flags % 2 === 1, unsure: image.flags >= 2, refused: image.refused !== 0,
  };
}

/** @type {{ clause: import("../../piximi_widgets/widgets/labeler/js/types.js").Clause, passes: (image: any) => boolean }[]} */
const CLAUSES = [
  { clause: { field: "category", values: ["b", null] }, passes: (image) => image.category === "b" || image.category === null },
  { clause: { field: "category", values: ["gone"] }, passes: () => false },
  { clause: { field: "prediction", values: ["a", "c"] }, passes: (image) => image.prediction === "a" || image.prediction === "c" },
  { clause: { field: "partition", values: ["training", "unassigned"] }, passes: (image) => image.partition === "training" || image.partition === "unassigned" },
  { clause: { field: "origin", values: ["accepted"] }, passes: (image) => image.origin === "accepted" },
  { clause: { field: "origin", values: [null, "imported"] }, passes: (image) => image.origin === null || image.origin === "imported" },
  { clause: { field: "agreement", values: ["differs"] }, passes: (image) => image.agreement === "differs" },
  { clause: { field: "agreement", values: [null] }, passes: (image) => image.agreement === null },
  { clause: { field: "confidence", min: 0.25, max: 0.75 }, passes: (image) => image.confidence !== null && image.confidence >= 0.25 && image.confidence <= 0.75 },
  { clause: { field: "confidence", max: 0.5 }, passes: (image) => image.confidence !== null && image.confidence <= 0.5 },
  { clause: { field: "dose", min: 0.5 }, passes: (image) => image.dose !== null && image.dose >= 0.5 },
  { clause: { field: "well", contains: "A1" }, passes: (image) => image.well === "A1" || image.well === "a10" },
  { clause: { field: "well", values: [null, "B 2"] }, passes: (image) => image.well === null || image.well === "B 2" },
  { clause: { field: "unsure", is: true }, passes: (image) => image.unsure },
  { clause: { field: "excluded", is: false }, passes: (image) => !image.excluded },
  { clause: { field: "refused", is: true }, passes: (image) => image.refused },
];

test("clauses, alone and in pairs, find what a loop over plain objects finds", () => {
  const images = someImages(7, 300);
  const store = storeOf(images);
  for (const first of CLAUSES) {
    for (const second of CLAUSES) {
      store.setFilter(first === second ? [first.clause] : [first.clause, second.clause]);
      const expected = images.filter((image) => first.passes(seen(image)) && second.passes(seen(image))).map((image) => image.id);
      assert.deepEqual([...store.selection.order], expected, JSON.stringify(store.filter));
    }
  }
});

test("no image is shown while the kernel has not said what a clause is about", () => {
  const store = storeOf(someImages(1, 20));
  store.setFilter([{ field: "entropy", min: 0 }]);
  assert.equal(store.visible.length, 0);
  assert.ok(store.incomplete);
  store.setField({ name: "entropy", kind: "number", data: new Float64Array(20) });
  assert.equal(store.visible.length, 20);
  store.setFilter([{ query: "dose * 2 > 1" }]);
  assert.deepEqual([store.visible.length, store.incomplete, store.needed.queries], [0, true, ["dose * 2 > 1"]]);
  store.setQuery("dose * 2 > 1", Float64Array.of(4, 10, 999));
  assert.deepEqual([...store.selection.order], [4, 10]);
});

test("a clause about another kind of field finds nothing instead of everything", () => {
  const store = storeOf(someImages(1, 20));
  for (const clause of [{ field: "dose", contains: "0" }, { field: "well", min: 0 }, { field: "dose", values: ["0"] }, { field: "nothing", is: true }]) {
    store.setFilter([clause]);
    assert.equal(store.visible.length, 0);
  }
});

test("the filter keeps the order of the scope", () => {
  const field = () => ({ name: "f", kind: /** @type {const} */ ("number"), data: Float64Array.of(1, 2, 1, 2) });
  const sources = { field, flag: () => null, query: () => null };
  assert.deepEqual([...visibleRows(Uint32Array.of(3, 0, 1), [{ field: "f", min: 2 }], sources)], [3, 1]);
});

test("images are counted by category and partition, excluded ones are not", () => {
  const counts = countPartitions(Uint32Array.of(0, 1, 2, 3, 4), Int32Array.of(1, 1, 0, 2, 1), Uint8Array.of(1, 1, 0, 3, 2), Uint8Array.of(0, 1, 0, 0, 0));
  assert.deepEqual([...counts], [[0, [1, 0, 0, 0]], [1, [0, 1, 1, 0]], [2, [0, 0, 0, 1]]]);
});

test("a filter follows the names of its categories, and goes with the last of them", () => {
  const renamed = CATEGORIES.map((each) => (each.name === "a" ? { ...each, name: "new" } : each));
  const filter = [{ field: "category", values: ["a", null] }, { field: "well", values: ["a"] }, { field: "prediction", values: ["a"] }];
  assert.deepEqual(followCategories(filter, CATEGORIES, renamed), [{ field: "category", values: ["new", null] }, { field: "well", values: ["a"] }, { field: "prediction", values: ["new"] }]);
  assert.deepEqual(followCategories(filter, CATEGORIES, CATEGORIES.slice(1)), [{ field: "category", values: [null] }, { field: "well", values: ["a"] }]);
  assert.equal(followCategories(filter, CATEGORIES, CATEGORIES.slice()), filter);
  const young = [...CATEGORIES, { id: -9, name: "young", color: "#111111", key: "" }];
  const grown = [...CATEGORIES, { id: 4, name: "young", color: "#111111", key: "" }];
  assert.deepEqual(followCategories([{ field: "category", values: ["young"] }], young, grown), [{ field: "category", values: ["young"] }]);
});
