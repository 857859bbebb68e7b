// The shapes that the modules of the labeler share; no code.

/**
 * What anywidget hands to a widget: the model that the kernel and the page share.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(event: string, listener: (...values: any[]) => void) => void} on
 * @property {(event: string, listener?: ((...values: any[]) => void) | null) => void} off
 * @property {any} [widget_manager]
 * @property {(content: any, callbacks?: any, buffers?: ArrayBuffer[]) => void} send
 */

/** @typedef {{ id: number, name: string, color: string }} Category   a negative id: not yet known to the kernel */

/**
 * One row an image, all columns of one length.
 * @typedef {object} Columns
 * @property {Float64Array} ids
 * @property {Int32Array} category      a category's id, 0 for none
 * @property {Uint8Array} partition     an index of PARTITIONS
 * @property {Uint8Array} excluded
 * @property {Int32Array} prediction    a category's id, 0 for none
 * @property {Float32Array} confidence
 */

/**
 * An edit of the browser: numbered, so that the kernel applies it once however often it is sent.
 * @typedef {object} Operation
 * @property {string} project
 * @property {string} client
 * @property {number} sequence
 * @property {string} action
 * @property {Float64Array | null} ids
 * @property {Record<string, any>} argument
 * @property {number} base          the revision that the page showed when the edit was made
 * @property {number | null} revision   the revision that the kernel gave it; null until acknowledged
 */

/** @typedef {{ category?: number, partition?: number }} Filter   category 0: unlabeled */

/** @typedef {{ content: any, buffers: DataView[] }} Answer */

/** @typedef {{ name: string, height: number, width: number, channels: number }} Description */

/** @type {readonly string[]} */
export const PARTITIONS = ["unassigned", "training", "validation", "test"];
