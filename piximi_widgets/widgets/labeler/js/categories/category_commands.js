// What a person can do with categories, and the sentence that says what was done.
import { freeColor, colorName } from "./color.js";
import { counted } from "../commands.js";
import { keysFor } from "../shortcuts.js";

/** @typedef {import("../kernel/session.js").Session} Session */
/** @typedef {import("../types.js").Category} Category */

/** A name as the kernel keeps it. @param {string} name */
function tidy(name) {
  return name.normalize("NFC").trim();
}

export class CategoryCommands {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.store = session.store;
  }

  /**
   * Why a category cannot have this name; "" when it can.
   * @param {string} name
   * @param {Category | null} [self]
   */
  nameProblem(name, self = null) {
    if (!tidy(name)) return "A category needs a name.";
    if ([...tidy(name)].length > 100) return "A category's name has at most 100 characters.";
    // Names that differ by capitals only are one name to a reader.
    const taken = this.store.categories.find((each) => each.id !== self?.id && each.name.toLowerCase() === tidy(name).toLowerCase());
    return taken ? `There is already a category “${taken.name}”.` : "";
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
    if (color.toLowerCase() === category.color.toLowerCase()) return;
    this.session.operate("recolor_category", null, { name: category.name, color });
    this.store.announce(`The colour of ${category.name} is now ${colorName(color)}.`);
  }

  /**
   * @param {Category} category
   * @param {Category | null} moveTo   what its images become; null: unlabeled
   */
  removeCategory(category, moveTo) {
    const { total } = this.labeledWith(category);
    this.session.operate("remove_category", null, { name: category.name, ...(moveTo ? { move_to: moveTo.name } : {}) });
    const became = total ? `; ${counted(total)} now ${moveTo ? moveTo.name : "unlabeled"}` : "";
    this.store.announce(`Category ${category.name} deleted${became}.`);
  }

  /**
   * @param {Category} category
   * @param {Category} into
   */
  mergeCategory(category, into) {
    const { total } = this.labeledWith(category);
    this.session.operate("merge_categories", null, { names: [category.name], into: into.name });
    this.store.announce(`${category.name} merged into ${into.name}; ${counted(total)} relabeled.`);
  }

  /**
   * Move a category to another place in the list.
   * @param {Category} category
   * @param {number} place   among the others, from 0
   */
  moveCategory(category, place) {
    const { categories } = this.store;
    const order = reordered(categories, category, place);
    if (order.every((each, at) => each === categories[at])) return;
    this.session.operate("reorder_categories", null, { names: order.map((each) => each.name) });
    const at = this.store.categories.findIndex((each) => each.id === category.id);
    const key = keysFor(this.store.categories).get(category.id);
    this.store.announce(`${category.name} is now number ${at + 1} of ${order.length}${key ? `, with the key ${key.toUpperCase()}` : ""}.`);
  }

  /**
   * @param {Category} category
   * @param {string} key   "" for the one that follows from its place
   */
  setKey(category, key) {
    if (key === category.key) return;
    this.session.operate("set_category_key", null, { name: category.name, key });
    const now = keysFor(this.store.categories).get(category.id);
    this.store.announce(now ? `The key of ${category.name} is now ${now.toUpperCase()}.` : `${category.name} has no key now.`);
  }

  /** The values of the filter's clause of categories. @returns {(string | null)[]} */
  get filteredTo() {
    const clause = this.store.filter.find((each) => "values" in each && each.field === "category");
    return clause && "values" in clause ? clause.values : [];
  }

  /** Whether the filter asks for a category (id 0: the unlabeled images). @param {Category} category */
  inFilter(category) {
    return this.filteredTo.includes(category.id ? category.name : null);
  }

  /** Whether it asks for no other. @param {Category} category */
  showsOnly(category) {
    return this.inFilter(category) && this.filteredTo.length === 1;
  }

  /** Show only the images of a category, or all again. @param {Category} category */
  toggleShown(category) {
    const values = [category.id ? category.name : null];
    this.store.replaceClause("category", this.showsOnly(category) ? null : { field: "category", values });
  }

  /**
   * The images of a category in the whole project, excluded ones too and by partition: what deleting it changes.
   * @param {Category} category
   */
  labeledWith(category) {
    // Not what blind mode shows: a deletion takes the labels of others too.
    const labels = this.store.preferences.blind ? this.store.table.columns.category : this.store.category;
    const { partition } = this.store.table.columns;
    const partitions = [0, 0, 0, 0];
    let total = 0;
    for (let row = 0; row < labels.length; row++) {
      if (labels[row] !== category.id) continue;
      total++;
      partitions[partition[row]]++;
    }
    return { total, partitions };
  }
}

/**
 * @template {{ id: number }} T
 * @param {T[]} categories
 * @param {{ id: number }} category
 * @param {number} place   among the others, from 0
 * @returns {T[]}
 */
export function reordered(categories, category, place) {
  const order = categories.filter((each) => each.id !== category.id);
  order.splice(Math.max(0, Math.min(place, order.length)), 0, ...categories.filter((each) => each.id === category.id));
  return order;
}

/** What these keys do already. @type {Record<string, string>} */
const RESERVED = { u: "U removes the label", h: "H shows the help", v: "V opens the viewer" };

/**
 * Why a category cannot have this key; "" when it can.
 * @param {string} key
 */
export function keyProblem(key) {
  if (!/^[\p{L}\p{N}]$/u.test(key)) return "A key is a digit or a letter.";
  const use = RESERVED[key.toLowerCase()];
  return use ? `${use}. Choose another key.` : "";
}

/**
 * What a new key does to the keys of the others; "" when nothing.
 * @param {Category[]} categories
 * @param {Category} category
 * @param {string} key   in small letters; "" for the one that follows from its place
 */
export function keyConsequence(categories, category, key) {
  const before = keysFor(categories);
  const after = keysFor(
    categories.map((each) => (each.id === category.id ? { ...each, key } : each.key && each.key === key ? { ...each, key: "" } : each)),
  );
  const others = categories.filter((each) => each.id !== category.id && before.get(each.id) !== after.get(each.id));
  const owner = others.find((each) => key && before.get(each.id) === key);
  const rest = others.length - (owner ? 1 : 0);
  const sentences = [];
  if (owner) sentences.push(`${key.toUpperCase()} is the key of ${owner.name}, which gets ${after.get(owner.id)?.toUpperCase() ?? "none"}.`);
  if (rest) sentences.push(`${rest} ${owner ? "other " : ""}${rest === 1 ? "category gets" : "categories get"} another key.`);
  return sentences.join(" ");
}
