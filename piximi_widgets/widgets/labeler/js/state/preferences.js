// How a person likes to label, kept by the browser: by project what is a habit, by widget and tab where she was.

/**
 * @typedef {object} Preferences
 * @property {number} size          the smallest side of a picture in the grid, in pixels
 * @property {boolean} advance      whether a label moves on to the next unlabeled image
 * @property {boolean} blind        whether names, labels of others and predictions are hidden
 * @property {boolean} partitions   whether the list of categories counts by partition
 */

/** @type {Readonly<Preferences>} */
export const DEFAULTS = Object.freeze({ size: 96, advance: false, blind: false, partitions: false });

/**
 * Small values under a name in one of the browser's storages, which hosts may forbid.
 * @param {"localStorage" | "sessionStorage"} kind
 * @param {() => string} name
 */
function shelf(kind, name) {
  const keyNow = () => `piximi-widgets:${name()}`;
  return {
    /** @returns {Record<string, any>} */
    load() {
      try {
        return JSON.parse(globalThis[kind].getItem(keyNow()) ?? "{}") ?? {};
      } catch {
        // No storage, or something in it that is not ours: the defaults are as good.
        return {};
      }
    },
    /** @param {Record<string, any>} values */
    save(values) {
      try {
        globalThis[kind].setItem(keyNow(), JSON.stringify(values));
      } catch {
        // A full or forbidden storage costs a preference, no label.
      }
    },
  };
}

export class PreferenceKeep {
  /**
   * @param {string} project
   * @param {() => string} widget   the widget's own id, which it keeps through a reload of the page, and gets a moment after it was made
   */
  constructor(project, widget) {
    this.habits = shelf("localStorage", () => `preferences:${project}`);
    this.place = shelf("sessionStorage", () => `place:${widget() || project}`);
  }

  /** @returns {Preferences} */
  load() {
    const kept = { ...this.habits.load(), ...this.place.load() };
    const preferences = { ...DEFAULTS };
    for (const name of /** @type {(keyof Preferences)[]} */ (Object.keys(DEFAULTS))) {
      if (typeof kept[name] === typeof DEFAULTS[name]) Object.assign(preferences, { [name]: kept[name] });
    }
    if (!Number.isFinite(preferences.size)) preferences.size = DEFAULTS.size;
    return preferences;
  }

  /** @param {Preferences} preferences */
  save(preferences) {
    this.habits.save(preferences);
    // The last one changed is everybody's, but a tab keeps its own.
    this.place.save({ ...this.place.load(), size: preferences.size });
  }

  /** The image at the upper edge when the page was last here; null when it was not. @returns {number | null} */
  get top() {
    const { top } = this.place.load();
    return typeof top === "number" ? top : null;
  }

  set top(id) {
    this.place.save({ ...this.place.load(), top: id });
  }
}
