// Which images are shown: all clauses at once, each made into a test of a row.

/** @typedef {import("../types.js").Clause} Clause */
/** @typedef {import("../types.js").Category} Category */
/** @typedef {import("./fields.js").FieldData} FieldData */

/** @typedef {(row: number) => boolean} Test */

/**
 * Where a clause finds what it is about; null while the kernel has not said it yet.
 * @typedef {object} Sources
 * @property {(name: string) => FieldData | null} field
 * @property {(name: string) => Uint8Array | Int32Array | null} flag   0 for no
 * @property {(query: string) => Uint8Array | null} query        1 for the rows for which it is true
 */

/**
 * The rows of `scope` that pass all clauses, in its order; none while something that is asked for is not known yet.
 * @param {Uint32Array} scope
 * @param {Clause[]} clauses
 * @param {Sources} sources
 */
export function visibleRows(scope, clauses, sources) {
  if (!clauses.length) return scope;
  let rows = scope;
  // One test after the other: each loop calls one function only, which the browser then builds in.
  for (const clause of clauses) {
    const test = testOf(clause, sources);
    const passed = new Uint32Array(rows.length);
    let count = 0;
    for (let at = 0; at < rows.length; at++) if (test(rows[at])) passed[count++] = rows[at];
    rows = passed.subarray(0, count);
  }
  return rows;
}

/** @returns {boolean} */
const never = () => false;

/**
 * @param {Clause} clause
 * @param {Sources} sources
 * @returns {Test}
 */
export function testOf(clause, sources) {
  if ("query" in clause) {
    const mask = sources.query(clause.query);
    return mask ? (row) => mask[row] === 1 : never;
  }
  if ("is" in clause) {
    const flag = sources.flag(clause.field);
    return flag ? (row) => (flag[row] !== 0) === clause.is : never;
  }
  const field = sources.field(clause.field);
  if (!field) return never;
  if ("values" in clause) return oneOf(field, clause.values);
  if ("contains" in clause) return containing(field, clause.contains);
  return between(field, clause.min ?? -Infinity, clause.max ?? Infinity);
}

/**
 * @param {FieldData} field
 * @param {(string | null)[]} wanted
 * @returns {Test}
 */
function oneOf(field, wanted) {
  if (field.kind !== "text") return never;
  const names = new Set(wanted);
  // One place more: that of the code -1.
  const passes = Uint8Array.from([null, ...field.values], (value) => (names.has(value) ? 1 : 0));
  const { codes } = field;
  return (row) => passes[codes[row] + 1] === 1;
}

/**
 * @param {FieldData} field
 * @param {string} text
 * @returns {Test}
 */
function containing(field, text) {
  if (field.kind !== "text") return never;
  const sought = text.toLowerCase();
  const passes = Uint8Array.from([null, ...field.values], (value) => (value?.toLowerCase().includes(sought) ? 1 : 0));
  const { codes } = field;
  return (row) => passes[codes[row] + 1] === 1;
}

/**
 * @param {FieldData} field
 * @param {number} least
 * @param {number} most
 * @returns {Test}
 */
function between(field, least, most) {
  if (field.kind !== "number") return never;
  const { data } = field;
  // Of single precision, 0.6 is a little more than 0.6: both sides are rounded alike.
  const [low, high] = data instanceof Float32Array ? [Math.fround(least), Math.fround(most)] : [least, most];
  return (row) => data[row] >= low && data[row] <= high;
}

/**
 * Images of each category (0: unlabeled) by partition, in `scope`; excluded images are not counted.
 * @param {Uint32Array} scope
 * @param {Int32Array} category
 * @param {Uint8Array} partition
 * @param {Uint8Array} excluded
 * @returns {Map<number, number[]>}   unassigned, training, validation, test
 */
export function countPartitions(scope, category, partition, excluded) {
  /** @type {Map<number, number[]>} */
  const counts = new Map([[0, [0, 0, 0, 0]]]);
  let last = 0;
  let current = /** @type {number[]} */ (counts.get(0));
  for (const row of scope) {
    if (excluded[row]) continue;
    if (category[row] !== last) {
      // Neighbours mostly share a category: the map is touched far less often.
      last = category[row];
      current = counts.get(last) ?? [0, 0, 0, 0];
      counts.set(last, current);
    }
    current[partition[row]]++;
  }
  return counts;
}

/**
 * The clauses after categories were renamed or have gone: names follow, and a clause that is left without values goes.
 * @param {Clause[]} clauses
 * @param {Category[]} former
 * @param {Category[]} categories
 * @returns {Clause[]}   the very same array where nothing has changed
 */
export function followCategories(clauses, former, categories) {
  const ids = new Map(former.map((each) => [each.name, each.id]));
  const names = new Map(categories.map((each) => [each.id, each.name]));
  const present = new Set(names.values());
  let changed = false;
  const followed = clauses.flatMap((clause) => {
    if (!("values" in clause) || (clause.field !== "category" && clause.field !== "prediction")) return [clause];
    const values = clause.values.flatMap((name) => {
      const id = name === null ? undefined : ids.get(name);
      if (id === undefined) return [name];
      // A category that has just got its id has the same name under another one.
      return names.get(id) ?? (present.has(/** @type {string} */ (name)) ? name : []);
    });
    if (values.length === clause.values.length && values.every((name, at) => name === clause.values[at])) return [clause];
    changed = true;
    return values.length ? [{ ...clause, values }] : [];
  });
  return changed ? followed : clauses;
}
