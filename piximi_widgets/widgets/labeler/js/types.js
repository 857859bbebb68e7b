// The shapes that the modules of the labeler share; no code but a few names.

/**
 * What anywidget hands to a widget: the model that the kernel and the page share.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(event: string, listener: (...values: any[]) => void) => void} on
 * @property {(event: string, listener?: ((...values: any[]) => void) | null) => void} off
 * @property {any} [widget_manager]
 * @property {(content: any, callbacks?: any, buffers?: ArrayBuffer[]) => void} send
 */

/**
 * @typedef {object} Category
 * @property {number} id      negative: not yet known to the kernel
 * @property {string} name
 * @property {string} color   #rrggbb
 * @property {string} key     the key that gives it; "" where that follows from its place in the list
 */

/**
 * One row an image, all columns of one length.
 * @typedef {object} Columns
 * @property {Float64Array} ids
 * @property {Int32Array} category      a category's id, 0 for none
 * @property {Uint8Array} partition     an index of PARTITIONS
 * @property {Uint8Array} flags         EXCLUDED and UNSURE, joined
 * @property {Uint8Array} origin        an index of ORIGINS, plus MINE where this labeler's author gave the label
 * @property {Int32Array} prediction    a category's id, 0 for none
 * @property {Int32Array} refused       the category whose prediction was refused, 0 for none
 * @property {Float32Array} confidence
 * @property {Uint8Array} fixed         whether the partition was given by hand
 */

/**
 * An edit of the browser: numbered, so that the kernel applies it once however often it is sent.
 * @typedef {object} Operation
 * @property {string} project
 * @property {string} client
 * @property {string} [author]      whose edit it is; an older version kept edits without it
 * @property {number} sequence
 * @property {string} action
 * @property {Float64Array | null} ids
 * @property {Record<string, any>} argument
 * @property {number} base          the revision that the page showed when the edit was made
 * @property {number | null} revision   the revision that the kernel gave it; null until acknowledged
 */

/**
 * One condition of the filter, as the kernel knows it too; a filter is all of them at once.
 * @typedef {{ field: string, values: (string | null)[] } | { field: string, min?: number, max?: number }
 *   | { field: string, contains: string } | { field: string, is: boolean } | { query: string }} Clause
 */

/** @typedef {{ name: string, kind: "text" | "number" }} Field   what can be filtered and sorted by */

/** @typedef {{ content: any, buffers: DataView[] }} Answer */

/**
 * @typedef {object} Description
 * @property {string} name
 * @property {number} height
 * @property {number} width
 * @property {number} channels
 * @property {number} planes
 * @property {(number | null)[] | null} pixel_size   plane distance, height and width in micrometres
 */

/** @type {readonly string[]} */
export const PARTITIONS = ["unassigned", "training", "validation", "test"];

/** Where a label came from. @type {readonly (string | null)[]} */
export const ORIGINS = [null, "hand", "accepted", "imported"];

/** In the column of origins: given by this labeler's author. */
export const MINE = 8;

export const EXCLUDED = 1;
export const UNSURE = 2;
