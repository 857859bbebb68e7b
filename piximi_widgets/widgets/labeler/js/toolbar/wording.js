// What fields, clauses and orders are called. Pure: the words of the filter menu, of the chips and of the sorting.
import { PREDICTION_FIELDS } from "../state/fields.js";
import { parsedOrder } from "../state/order.js";

/** @typedef {import("../types.js").Category} Category */
/** @typedef {import("../types.js").Clause} Clause */
/** @typedef {import("../types.js").Field} Field */

/** @typedef {"values" | "number" | "time" | "text" | "flag"} Kind   how a field is filtered by */
/** @typedef {{ title: string, group: string, kind: Kind }} Wording */

/** @type {Readonly<Record<string, Wording>>} */
const KNOWN = {
  category: { title: "Category", group: "Label", kind: "values" },
  origin: { title: "Label origin", group: "Label", kind: "values" },
  labeled_by: { title: "Labeled by", group: "Label", kind: "values" },
  unsure: { title: "Unsure", group: "Label", kind: "flag" },
  excluded: { title: "Excluded", group: "Label", kind: "flag" },
  partition: { title: "Partition", group: "Partition", kind: "values" },
  prediction: { title: "Prediction", group: "Prediction", kind: "values" },
  agreement: { title: "Label and prediction", group: "Prediction", kind: "values" },
  confidence: { title: "Confidence", group: "Prediction", kind: "number" },
  margin: { title: "Margin", group: "Prediction", kind: "number" },
  entropy: { title: "Entropy", group: "Prediction", kind: "number" },
  refused: { title: "Prediction refused", group: "Prediction", kind: "flag" },
  name: { title: "Name", group: "Image", kind: "text" },
  added: { title: "Time added", group: "Image", kind: "time" },
  brightness: { title: "Brightness", group: "Image", kind: "number" },
  width: { title: "Width", group: "Image", kind: "number" },
  height: { title: "Height", group: "Image", kind: "number" },
  channels: { title: "Channels", group: "Image", kind: "number" },
  planes: { title: "Planes", group: "Image", kind: "number" },
  dtype: { title: "Pixel type", group: "Image", kind: "values" },
  pixel_size: { title: "Pixel size", group: "Image", kind: "number" },
};

/** In the order in which menus show them. */
export const GROUPS = ["Label", "Partition", "Prediction", "Image", "Metadata"];

/** What the page knows without the kernel's list of fields. */
const ALWAYS = ["category", "origin", "unsure", "excluded", "partition"];
const PREDICTED = ["prediction", "agreement", "confidence", "margin", "entropy", "refused"];

/** @type {Readonly<Record<string, Record<string, string>>>} */
const VALUES = {
  category: { "": "Unlabeled" },
  prediction: { "": "Not predicted" },
  origin: { hand: "By hand", accepted: "Accepted prediction", imported: "Imported", "": "No label" },
  agreement: { agrees: "Agree", differs: "Differ", "": "One is missing" },
  partition: { unassigned: "Unassigned", training: "Training", validation: "Validation", test: "Test" },
};

/**
 * A field's words; a metadata column that has the name of one of ours has hidden it, and keeps its own name.
 * @param {string} name
 * @param {Field[]} [fields]
 * @returns {Wording}
 */
export function wordingOf(name, fields = []) {
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : null;
  const column = fields.find((each) => each.name === name);
  const kind = column?.kind === "number" ? "number" : "values";
  if (!known) return { title: name, group: "Metadata", kind };
  const numeric = known.kind === "number" || known.kind === "time";
  if (column && numeric !== (column.kind === "number")) return { title: name, group: "Metadata", kind };
  return known;
}

/**
 * Whether blind mode keeps a field from being looked at.
 * @param {string} name
 */
export function isHiddenWhenBlind(name) {
  return PREDICTION_FIELDS.has(name) || name === "name" || name === "labeled_by";
}

/**
 * What one can filter by, group by group.
 * @param {Field[]} fields          what the kernel offers
 * @param {{ blind: boolean, predicted: boolean }} state
 */
export function filterableFields(fields, { blind, predicted }) {
  const names = new Set([...ALWAYS, ...(predicted ? PREDICTED : []), ...fields.map((each) => each.name)]);
  return inGroups([...names], fields, blind, predicted);
}

/**
 * What one can sort by; "" stands for as added.
 * @param {Field[]} fields
 * @param {{ blind: boolean, predicted: boolean }} state
 */
export function sortableFields(fields, { blind, predicted }) {
  const names = new Set(["category", "partition", ...(predicted ? PREDICTED : []), ...fields.map((each) => each.name)]);
  for (const flag of ["agreement", "refused"]) if (!fields.some((each) => each.name === flag)) names.delete(flag);
  return inGroups([...names], fields, blind, predicted);
}

/**
 * @param {string[]} names
 * @param {Field[]} fields
 * @param {boolean} blind
 * @param {boolean} predicted
 * @returns {{ name: string, title: string, group: string, kind: Kind }[]}
 */
function inGroups(names, fields, blind, predicted) {
  const places = Object.keys(KNOWN);
  const place = (/** @type {string} */ name) => (places.includes(name) ? places.indexOf(name) : places.length);
  return names
    .map((name) => ({ name, ...wordingOf(name, fields) }))
    .filter(({ name, group }) => !(blind && isHiddenWhenBlind(name)) && (predicted || group !== "Prediction"))
    .map((each, at) => ({ each, at }))
    .sort((a, b) => GROUPS.indexOf(a.each.group) - GROUPS.indexOf(b.each.group) || place(a.each.name) - place(b.each.name) || a.at - b.at)
    .map(({ each }) => each);
}

/**
 * Where an item stands in a menu: the partition is a group of its own, which needs no heading.
 * @param {string} group
 * @returns {{ group?: string, divided?: boolean }}
 */
export function underHeading(group) {
  return group === "Partition" ? { divided: true } : { group };
}

/**
 * One value of a field in words.
 * @param {string} field
 * @param {string | null} value
 */
export function wordValue(field, value) {
  const words = Object.hasOwn(VALUES, field) ? VALUES[field] : {};
  const key = value ?? "";
  if (Object.hasOwn(words, key)) return words[key];
  return value === "" ? "(empty)" : (value ?? "None");
}

/**
 * A number as short as it can be told apart; a time as a date.
 * @param {number} value
 * @param {Kind} [kind]
 */
export function wordNumber(value, kind = "number") {
  if (kind === "time") return localTime(value).replace("T", " ");
  return value.toLocaleString("en", { maximumSignificantDigits: Number.isInteger(value) ? 15 : 4, useGrouping: Math.abs(value) >= 10_000 });
}

/**
 * Seconds since 1970 as a date and time of this place, to the minute, as date fields take them.
 * @param {number} seconds
 */
export function localTime(seconds) {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/**
 * A clause as the words of its chip.
 * @param {Clause} clause
 * @param {Category[]} categories
 * @param {Field[]} [fields]
 * @returns {string}
 */
export function describeClause(clause, categories, fields = []) {
  if ("query" in clause) return clause.query;
  const { title, kind } = wordingOf(clause.field, fields);
  if ("is" in clause) return describeFlag(clause.field, title, clause.is);
  if ("contains" in clause) return `${title} contains “${clause.contains}”`;
  if ("values" in clause) return describeValues(clause.field, title, clause.values, categories);
  const { min, max } = clause;
  if (min === undefined && max === undefined) return `${title} known`;
  if (min === undefined) return `${title} ≤ ${wordNumber(/** @type {number} */ (max), kind)}`;
  if (max === undefined) return `${title} ≥ ${wordNumber(min, kind)}`;
  if (min === max) return `${title} = ${wordNumber(min, kind)}`;
  return `${title} ${wordNumber(min, kind)}–${wordNumber(max, kind)}`;
}

/**
 * @param {string} field
 * @param {string} title
 * @param {boolean} is
 */
function describeFlag(field, title, is) {
  if (field === "unsure") return is ? "Unsure" : "Sure";
  if (field === "refused") return is ? "Prediction refused" : "Prediction not refused";
  return is ? title : `Not ${title.toLowerCase()}`;
}

/**
 * @param {string} field
 * @param {string} title
 * @param {(string | null)[]} values
 * @param {Category[]} categories
 */
function describeValues(field, title, values, categories) {
  if (!values.length) return `${title}: nothing`;
  if (values.length === 1 && field === "agreement") {
    if (values[0] === null) return "Label or prediction missing";
    return `Label and prediction ${values[0] === "agrees" ? "agree" : "differ"}`;
  }
  if (values.length === 1 && values[0] === null && (field === "category" || field === "prediction")) return wordValue(field, null);
  const every = categories.length > 1 && categories.every((each) => values.includes(each.name)) && !values.includes(null);
  if (every && field === "category") return "Labeled";
  if (every && field === "prediction") return "Predicted";
  const own = field === "category" || field === "prediction";
  const words = values.map((value) => (own && value !== null ? value : lower(wordValue(field, value), field, value)));
  const shown = words.length > 3 ? [...words.slice(0, 2), `${words.length - 2} more`] : words;
  return `${title}: ${shown.join(", ")}`;
}

/**
 * Our own words are small within a sentence; a value of the project stays as it is.
 * @param {string} word
 * @param {string} field
 * @param {string | null} value
 */
function lower(word, field, value) {
  return value === null || Object.hasOwn(VALUES, field) ? word.toLowerCase() : word;
}

/**
 * What "from low to high" and its opposite are called for a field.
 * @param {string} field
 * @param {Field[]} [fields]
 * @returns {[string, string]}
 */
export function directions(field, fields = []) {
  const { kind } = wordingOf(field, fields);
  if (kind === "time") return ["oldest first", "newest first"];
  if (kind === "number") return ["lowest first", "highest first"];
  if (["category", "prediction", "partition"].includes(field)) return ["in their order", "in reverse"];
  return ["A to Z", "Z to A"];
}

/**
 * An order in words, to stand after "Sort:".
 * @param {string} order
 * @param {Field[]} [fields]
 */
export function describeOrder(order, fields = []) {
  const { field, descending, seed } = parsedOrder(order);
  if (seed !== null) return `random, seed ${seed}`;
  if (!field) return "as added";
  const { title, group } = wordingOf(field, fields);
  return `${group === "Metadata" ? title : title.toLowerCase()}, ${directions(field, fields)[descending ? 1 : 0]}`;
}
