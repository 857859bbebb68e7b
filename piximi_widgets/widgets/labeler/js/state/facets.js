// What the values of a field are among some images: how many have each, and how numbers are spread. Pure.
import { visibleRows } from "./filter.js";

/** @typedef {import("../types.js").Clause} Clause */
/** @typedef {import("./fields.js").FieldData} FieldData */

/** @typedef {Pick<import("./store.js").Store, "scope" | "filter" | "fieldData" | "flag" | "queries">} Shown */

/**
 * The rows that all clauses show but those of one field: what the values of that field choose among.
 * @param {Shown} store
 * @param {string} field
 */
export function rowsBeside(store, field) {
  const others = store.filter.filter((clause) => "query" in clause || clause.field !== field);
  return visibleRows(store.scope, others, {
    field: (name) => store.fieldData(name),
    flag: (name) => store.flag(name),
    query: (query) => store.queries.get(query) ?? null,
  });
}

/**
 * How many of `rows` have each value; the last number is of those without one.
 * @param {{ values: string[], codes: Int32Array }} field
 * @param {Uint32Array} rows
 */
export function countValues({ values, codes }, rows) {
  const counts = new Uint32Array(values.length + 1);
  for (const row of rows) counts[codes[row] < 0 ? values.length : codes[row]]++;
  return counts;
}

/**
 * What a check list offers: all values, the ticked ones that no image has any more, and at the end null for none.
 * @param {string} field
 * @param {string[]} values
 * @param {(string | null)[]} ticked
 * @param {boolean} none   whether some image has no value
 * @returns {(string | null)[]}
 */
export function offeredValues(field, values, ticked, none) {
  // Unassigned is the first partition, and the last that one looks for.
  const ordered = field === "partition" ? [...values.slice(1), ...values.slice(0, 1)] : values;
  const known = new Set(values);
  const gone = ticked.filter((value) => value !== null && !known.has(value));
  return [...ordered, ...gone, ...(none || ticked.includes(null) ? [null] : [])];
}

/**
 * The values that typed text leaves, without regard to capitals.
 * @param {(string | null)[]} values
 * @param {string} text
 * @param {(value: string | null) => string} word
 */
export function matching(values, text, word) {
  const sought = text.trim().toLowerCase();
  return sought ? values.filter((value) => word(value).toLowerCase().includes(sought)) : values;
}

/**
 * The least and the greatest number of some rows, whether all are whole, and how many have none; null where none has one.
 * @param {Float64Array | Float32Array} data
 * @param {Uint32Array} rows
 */
export function rangeOf(data, rows) {
  let min = Infinity;
  let max = -Infinity;
  let whole = true;
  let missing = 0;
  for (const row of rows) {
    const value = data[row];
    if (Number.isNaN(value)) {
      missing++;
      continue;
    }
    if (value < min) min = value;
    if (value > max) max = value;
    whole &&= Number.isInteger(value);
  }
  return min <= max ? { min, max, whole, missing } : null;
}

/**
 * How many rows lie in each of `bins` equal parts of a range, both ends included.
 * @param {Float64Array | Float32Array} data
 * @param {Uint32Array} rows
 * @param {{ min: number, max: number }} range
 * @param {number} bins
 */
export function histogram(data, rows, { min, max }, bins) {
  const counts = new Uint32Array(bins);
  const scale = max > min ? bins / (max - min) : 0;
  for (const row of rows) {
    const value = data[row];
    if (value >= min && value <= max) counts[Math.min(bins - 1, Math.floor((value - min) * scale))]++;
  }
  return counts;
}

/**
 * A step of a slider over a range: a round number, and 1 at least where all values are whole.
 * @param {{ min: number, max: number, whole: boolean }} range
 */
export function stepOf({ min, max, whole }) {
  const fine = (max - min) / 200;
  if (!(fine > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(fine));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= fine * 0.999) ?? power * 10;
  return whole ? Math.max(1, Math.round(step)) : Number(step.toPrecision(1));
}

/**
 * A clause of numbers; null where it would leave nothing out.
 * @param {string} field
 * @param {number | null} low    null: no bound
 * @param {number | null} high
 * @returns {Clause | null}
 */
export function rangeClause(field, low, high) {
  if (low === null && high === null) return null;
  return { field, ...(low === null ? {} : { min: low }), ...(high === null ? {} : { max: high }) };
}

/**
 * Ticks or unticks one value; null where none is left.
 * @param {string} field
 * @param {(string | null)[]} values   those that are ticked
 * @param {string | null} value
 * @returns {Clause | null}
 */
export function toggledClause(field, values, value) {
  const next = values.includes(value) ? values.filter((each) => each !== value) : [...values, value];
  return next.length ? { field, values: next } : null;
}
