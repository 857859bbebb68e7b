// What a person can do, and the sentence that says what was done.
import { freeColor } from "./color.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./types.js").Category} Category */

/**
 * @param {number} count
 * @param {string} [noun]
 */
export function counted(count, noun = "image") {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** A name as the kernel keeps it. @param {string} name */
function tidy(name) {
  return name.normalize("NFC").trim();
}

export class Commands {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.store = session.store;
  }

  /**
   * The selected images for which `differs` holds, or null after having said that none is selected.
   * @param {(row: number) => boolean} differs
   */
  affected(differs) {
    const { store } = this;
    if (!store.selection.size) {
      store.announce("Select images first: click one, or press Ctrl+A for all.");
      return null;
    }
    return store.selection.list().filter((id) => differs(store.table.rowOf(id)));
  }

  /** @param {Category} category */
  label(category) {
    const ids = this.affected((row) => this.store.category[row] !== category.id);
    if (!ids) return;
    if (!ids.length) return this.store.announce(`Already ${category.name}.`);
    this.session.operate("label", ids, { name: category.name });
    this.store.announce(`${counted(ids.length)} labeled ${category.name}.`);
  }

  /** @param {number} index   of the category in the list */
  labelByIndex(index) {
    const category = this.store.categories[index];
    if (category) return this.label(category);
    const count = this.store.categories.length;
    this.store.announce(
      count ? `There is no category number ${index + 1}.` : "Add a category first, with the button in the list.",
    );
  }

  unlabel() {
    const ids = this.affected((row) => this.store.category[row] !== 0);
    if (!ids) return;
    if (!ids.length) return this.store.announce("Already unlabeled.");
    this.session.operate("unlabel", ids);
    this.store.announce(`${counted(ids.length)} unlabeled.`);
  }

  toggleExcluded() {
    const included = this.affected((row) => !this.store.excluded[row]);
    if (!included) return;
    if (included.length) {
      this.session.operate("exclude", included);
      this.store.announce(`${counted(included.length)} excluded from training.`);
    } else {
      const ids = this.store.selection.list();
      this.session.operate("include", ids);
      this.store.announce(`${counted(ids.length)} included again.`);
    }
  }

  undo() {
    this.session.operate("undo", null);
  }

  redo() {
    this.session.operate("redo", null);
  }

  /**
   * Why a category cannot have this name; "" when it can.
   * @param {string} name
   * @param {Category | null} [self]
   */
  nameProblem(name, self = null) {
    if (!tidy(name)) return "A category needs a name.";
    const taken = this.store.categories.some((each) => each !== self && each.name === tidy(name));
    return taken ? `There is already a category “${tidy(name)}”.` : "";
  }

  /** @param {string} name */
  addCategory(name) {
    this.session.operate("add_category", null, { name: tidy(name), color: freeColor(this.store.categories) });
    this.store.announce(`Category ${tidy(name)} added.`);
  }

  /**
   * @param {Category} category
   * @param {string} name
   */
  renameCategory(category, name) {
    if (tidy(name) === category.name) return;
    this.session.operate("rename_category", null, { name: category.name, new: tidy(name) });
    this.store.announce(`${category.name} is now ${tidy(name)}.`);
  }

  /**
   * @param {Category} category
   * @param {string} color
   */
  recolorCategory(category, color) {
    if (color === category.color) return;
    this.session.operate("recolor_category", null, { name: category.name, color });
    this.store.announce(`${category.name} has a new colour.`);
  }

  /** @param {Category} category */
  removeCategory(category) {
    this.session.operate("remove_category", null, { name: category.name });
    this.store.announce(`Category ${category.name} deleted.`);
  }

  /** @param {number | undefined} category   0: unlabeled; undefined: all */
  filterCategory(category) {
    const filter = { ...this.store.filter };
    if (category === undefined) delete filter.category;
    else filter.category = category;
    this.store.setFilter(filter);
    this.sayShown();
  }

  /** @param {number | undefined} partition */
  filterPartition(partition) {
    const filter = { ...this.store.filter };
    if (partition === undefined) delete filter.partition;
    else filter.partition = partition;
    this.store.setFilter(filter);
    this.sayShown();
  }

  sayShown() {
    this.store.announce(`${counted(this.store.visible.length)} shown.`);
  }
}
