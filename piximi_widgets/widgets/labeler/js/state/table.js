// What the kernel has said about the images: the truth under the edits that are still on their way.
import { noColumns } from "../kernel/bytes.js";

/** @typedef {import("../types.js").Columns} Columns */

export class Table {
  /** @param {Columns} columns */
  constructor(columns) {
    this.columns = columns;
    const ids = columns.ids;
    this.sorted = true;
    for (let row = 1; row < ids.length && this.sorted; row++) this.sorted = ids[row] > ids[row - 1];
    /** @type {Map<number, number> | null} */
    this.index = this.sorted ? null : new Map(Array.from(ids, (id, row) => [id, row]));
  }

  static empty() {
    return new Table(noColumns());
  }

  get length() {
    return this.columns.ids.length;
  }

  /**
   * The row of an image, or -1.
   * @param {number} id
   */
  rowOf(id) {
    if (this.index) return this.index.get(id) ?? -1;
    const ids = this.columns.ids;
    let low = 0;
    let high = ids.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (ids[middle] < id) low = middle + 1;
      else if (ids[middle] > id) high = middle - 1;
      else return middle;
    }
    return -1;
  }

  /**
   * The rows of those images that are in the table, in the order of `ids`.
   * @param {Float64Array} ids
   */
  rowsOf(ids) {
    const rows = new Uint32Array(ids.length);
    let count = 0;
    for (const id of ids) {
      const row = this.rowOf(id);
      if (row >= 0) rows[count++] = row;
    }
    return rows.subarray(0, count);
  }

  /**
   * Take over what a delta says about some images.
   * @param {Columns} delta
   */
  patch(delta) {
    const { ids: _, ...columns } = this.columns;
    const { ids, ...news } = delta;
    for (let at = 0; at < ids.length; at++) {
      const row = this.rowOf(ids[at]);
      if (row < 0) continue;
      for (const [name, values] of Object.entries(columns)) values[row] = /** @type {any} */ (news)[name][at];
    }
  }
}
