// Which images are selected, and where the focus is, as in a file browser.

export class Selection {
  constructor() {
    /** The ids of what is shown, in its order. */
    this.order = /** @type {Float64Array} */ (new Float64Array(0));
    /** @type {Set<number>} */
    this.ids = new Set();
    /** Index in `order` of the image with the focus; -1 when nothing is shown. */
    this.focus = -1;
    /** Where a range starts. */
    this.anchor = -1;
  }

  get size() {
    return this.ids.size;
  }

  /** The selected ids in the order in which they are shown. */
  list() {
    const ids = new Float64Array(this.ids.size);
    let count = 0;
    if (count < ids.length) for (const id of this.order) if (this.ids.has(id)) ids[count++] = id;
    return ids.subarray(0, count);
  }

  /**
   * Show other images: what is no longer shown is no longer selected, since nobody should label what she does not see.
   * @param {Float64Array} order
   */
  show(order) {
    const focused = this.order[this.focus];
    const anchored = this.order[this.anchor];
    this.order = order;
    if (this.ids.size) {
      const kept = new Set();
      for (const id of order) if (this.ids.has(id)) kept.add(id);
      this.ids = kept;
    }
    const found = focused === undefined ? -1 : order.indexOf(focused);
    this.focus = found >= 0 ? found : Math.min(Math.max(this.focus, 0), order.length - 1);
    const anchor = anchored === undefined ? -1 : order.indexOf(anchored);
    this.anchor = anchor >= 0 ? anchor : this.focus;
  }

  /**
   * @param {number} index
   * @param {{ toggle?: boolean, extend?: boolean }} [how]
   */
  pick(index, how = {}) {
    if (index < 0 || index >= this.order.length) return;
    if (how.extend) {
      this.range(index, how.toggle ?? false);
    } else {
      const id = this.order[index];
      if (!how.toggle) this.ids = new Set([id]);
      else if (!this.ids.delete(id)) this.ids.add(id);
      this.anchor = index;
    }
    this.focus = index;
  }

  /**
   * Select from the anchor to an index.
   * @param {number} index
   * @param {boolean} add
   */
  range(index, add) {
    if (this.anchor < 0) this.anchor = Math.max(this.focus, 0);
    if (!add) this.ids = new Set();
    const first = Math.min(this.anchor, index);
    const last = Math.max(this.anchor, index);
    for (let at = first; at <= last; at++) this.ids.add(this.order[at]);
  }

  /**
   * Move the focus and, unless `only` the focus moves, the selection with it.
   * @param {number} index   clamped to what is shown
   * @param {{ extend?: boolean, only?: boolean }} [how]
   */
  move(index, how = {}) {
    if (!this.order.length) return;
    const target = Math.max(0, Math.min(index, this.order.length - 1));
    if (how.only && !how.extend) this.focus = target;
    else this.pick(target, { extend: how.extend });
  }

  all() {
    this.ids = new Set(this.order);
  }

  clear() {
    this.ids = new Set();
    this.anchor = this.focus;
  }

  /** @param {Float64Array} ids */
  replace(ids) {
    const wanted = new Set(ids);
    this.ids = new Set();
    let first = -1;
    this.order.forEach((id, index) => {
      if (!wanted.has(id)) return;
      this.ids.add(id);
      if (first < 0) first = index;
    });
    if (first >= 0) this.focus = this.anchor = first;
  }
}
