// Edits on their way to the kernel: in order, one at a time, sent again until they are acknowledged.

/** @typedef {import("../types.js").Operation} Operation */

/** Milliseconds until an edit is sent again. */
const PATIENCE = [1500, 3000, 5000];

/**
 * Where edits are kept until they are acknowledged.
 * @typedef {object} Keep
 * @property {(operation: Operation) => void} put
 * @property {(operation: Operation) => void} remove
 */

/**
 * @typedef {object} Wiring
 * @property {string} project
 * @property {string} client
 * @property {string} author
 * @property {(operation: Operation) => void} transmit
 * @property {Keep} keep
 * @property {() => void} changed                                       what is waiting has changed
 * @property {(operation: Operation, message: string) => void} refused  the kernel will not do it; it is no longer shown
 * @property {number[]} [patience]
 */

export class OperationQueue {
  /** @param {Wiring} wiring */
  constructor(wiring) {
    this.wiring = wiring;
    this.patience = wiring.patience ?? PATIENCE;
    this.sequence = 0;
    /** @type {Operation[]} Not yet in what the kernel has told us, oldest first. */
    this.pending = [];
    this.attempt = 0;
    /** @type {any} */
    this.timer = null;
    /** Why the kernel could not store the next edit yet. */
    this.reason = "";
  }

  /** The number of edits that are not on disk. */
  get waiting() {
    return this.pending.reduce((count, operation) => count + (operation.revision === null ? 1 : 0), 0);
  }

  /** @returns {"saved" | "saving" | "offline"} */
  get state() {
    if (!this.waiting) return "saved";
    return this.attempt > 1 || this.reason ? "offline" : "saving";
  }

  /**
   * @param {string} action
   * @param {Float64Array | null} ids
   * @param {Record<string, any>} argument
   * @param {number} base
   */
  add(action, ids, argument, base) {
    const { project, client, author } = this.wiring;
    const operation = { project, client, author, sequence: ++this.sequence, action, ids, argument, base, revision: null };
    this.wiring.keep.put(operation);
    this.take([operation]);
    return operation;
  }

  /**
   * Take over edits that another page could not save; they keep their numbers, so none is applied twice.
   * @param {Operation[]} operations
   */
  take(operations) {
    this.pending.push(...operations);
    this.wiring.changed();
    if (this.timer === null) this.pump();
  }

  /**
   * @param {{ client: string, sequence: number, revision?: number, error?: string, final?: boolean }} answer
   */
  answered(answer) {
    const operation = this.pending.find(
      (each) => each.client === answer.client && each.sequence === answer.sequence && each.revision === null,
    );
    if (!operation) return null;
    const head = operation === this.next();
    if (answer.error !== undefined && !answer.final) {
      // The disk is full or the database is busy: the edit stays, and is tried again.
      this.reason = answer.error;
      this.wiring.changed();
      return null;
    }
    this.wiring.keep.remove(operation);
    if (answer.error !== undefined) this.pending = this.pending.filter((each) => each !== operation);
    else operation.revision = answer.revision ?? 0;
    if (head) {
      clearTimeout(this.timer);
      this.timer = null;
      this.attempt = 0;
      this.reason = "";
    }
    if (answer.error !== undefined) this.wiring.refused(operation, answer.error);
    this.wiring.changed();
    if (head) this.pump();
    return operation;
  }

  /**
   * Forget the edits that are part of what the kernel has told us.
   * @param {number} revision
   */
  settle(revision) {
    this.pending = this.pending.filter((each) => each.revision === null || each.revision > revision);
  }

  /** Whether an acknowledged edit is not yet part of what the kernel has told us. */
  get unsettled() {
    return this.pending.some((each) => each.revision !== null);
  }

  next() {
    return this.pending.find((each) => each.revision === null);
  }

  pump() {
    const operation = this.next();
    if (!operation) {
      this.timer = null;
      return;
    }
    const pause = this.patience[Math.min(this.attempt, this.patience.length - 1)];
    this.timer = setTimeout(() => {
      this.attempt++;
      this.wiring.changed();
      this.pump();
    }, pause);
    this.wiring.transmit(operation);
  }

  /** The kernel has been heard: an edit that got no answer is sent now, instead of when its turn comes. */
  retry() {
    if (this.attempt < 2 || this.reason) return;
    clearTimeout(this.timer);
    this.attempt = 1;
    this.pump();
  }

  /** Forget the edits that wait; where they are kept they stay. */
  clear() {
    this.close();
    this.pending = [];
    this.attempt = 0;
    this.reason = "";
    this.wiring.changed();
  }

  close() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}
