// The forms of the category list: a name, a key, and the questions before a merge and a deletion.
import { keyConsequence, keyProblem } from "./category_commands.js";
import { counted } from "../commands.js";
import { h, uniqueId } from "../controls/dom.js";
import { PARTITIONS } from "../types.js";

/** @typedef {import("../types.js").Category} Category */
/** @typedef {{ total: number, partitions: number[] }} Labeled   images of a category, in all and by partition */

const LONGEST_NAME = 100;

/**
 * @param {{ label: string, value: string, action: string, problem: (name: string) => string,
 *           done: (name: string) => void, leave: () => void }} options
 */
export function nameField({ label, value, action, problem, done, leave }) {
  const describedBy = uniqueId("problem");
  const message = h("p", { className: "pxw-problem", id: describedBy, role: "alert" });
  const input = h("input", {
    className: "pxw-input", type: "text", value, maxLength: LONGEST_NAME, autocomplete: "off", spellcheck: false,
    placeholder: "Name", "aria-label": label, "aria-describedby": describedBy,
    oninput: () => {
      message.textContent = "";
      input.removeAttribute("aria-invalid");
    },
  });
  const submit = () => {
    message.textContent = problem(input.value);
    input.setAttribute("aria-invalid", String(Boolean(message.textContent)));
    if (!message.textContent) done(input.value);
  };
  const buttons = [button("submit", action, "pxw-primary"), button("button", value ? "Keep" : "Done", "", leave)];
  return form({ label, submit, leave, buttons }, input, message);
}

/**
 * Which key gives a category: pressed, or given back to the order of the list.
 * @param {Category[]} categories
 * @param {Category} category
 * @param {string} present   the key that it has now, or ""
 * @param {{ done: (key: string) => void, leave: () => void }} answer
 */
export function keyField(categories, category, present, { done, leave }) {
  const describedBy = uniqueId("key");
  const message = h("p", { className: "pxw-question", id: describedBy, "aria-live": "polite" }, "Press a digit or a letter.");
  let chosen = "";
  const input = h("input", {
    className: "pxw-input pxw-key-input", type: "text", value: present.toUpperCase(), autocomplete: "off", spellcheck: false,
    "aria-label": `Key of ${category.name}`, "aria-describedby": describedBy,
    oninput: () => {
      // The last character written, wherever the caret stood; it comes by keys, input methods and screen keyboards alike.
      const written = [...input.value].at(-1) ?? "";
      const wrong = keyProblem(written);
      chosen = wrong ? "" : written.toLowerCase();
      input.value = chosen.toUpperCase();
      input.setAttribute("aria-invalid", String(Boolean(wrong)));
      message.classList.toggle("pxw-problem", Boolean(wrong));
      message.textContent = wrong || keyConsequence(categories, category, chosen) || "No other key changes.";
      set.disabled = !chosen;
      input.select();
    },
  });
  const set = button("submit", "Set", "pxw-primary");
  set.disabled = true;
  const automatic = button("button", "Automatic", "", () => done(""));
  automatic.disabled = !category.key;
  automatic.title = "The key then follows from the place in the list";
  const submit = () => {
    if (chosen) done(chosen);
  };
  return form(
    { label: `Key of ${category.name}`, submit, leave, buttons: [set, automatic, button("button", "Keep", "", leave)] },
    h("p", { className: "pxw-question" }, h("strong", {}, `Key of “${category.name}”`), present ? "" : " (none yet)"),
    input,
    message,
  );
}

/**
 * "312 images (40 in training)": as a deletion or a merge states it.
 * @param {Labeled} labeled
 */
export function imagesOf({ total, partitions }) {
  const parts = PARTITIONS.flatMap((name, at) => (at && partitions[at] ? [`${partitions[at].toLocaleString("en")} in ${name}`] : []));
  if (!parts.length) return counted(total);
  return `${counted(total)} (${parts.join(", ")})`;
}

/**
 * @param {Category} category
 * @param {Category[]} others
 * @param {Labeled} labeled
 * @param {{ done: (moveTo: Category | null) => void, leave: () => void }} answer
 */
export function confirmRemoval(category, others, labeled, { done, leave }) {
  const { total } = labeled;
  const consequence = h("span", { "aria-live": "polite" });
  const choice = categorySelect("Their images become", others, "unlabeled");
  const state = () => {
    const target = chosenOf(choice.select, others);
    const verb = total === 1 ? "becomes" : "become";
    consequence.textContent = total
      ? ` ${imagesOf(labeled)} ${verb} ${target ? target.name : "unlabeled"}. Undo brings ${total === 1 ? "it" : "them"} back.`
      : " No image has it. Undo brings it back.";
  };
  choice.select.addEventListener("change", state);
  state();
  return question(
    { title: `Delete “${category.name}”?`, consequence, action: "Delete", danger: true, leave, submit: () => done(chosenOf(choice.select, others)) },
    total && others.length ? choice.field : null,
  );
}

/**
 * @param {Category} category
 * @param {Category[]} others   at least one
 * @param {Labeled} labeled
 * @param {{ done: (into: Category) => void, leave: () => void }} answer
 */
export function mergeForm(category, others, labeled, { done, leave }) {
  const consequence = h("span", { "aria-live": "polite" });
  const choice = categorySelect("Merge into", others, "");
  const target = () => chosenOf(choice.select, others) ?? others[0];
  const state = () => {
    const become = labeled.total
      ? `${imagesOf(labeled)} labeled ${category.name} ${labeled.total === 1 ? "becomes" : "become"} ${target().name}; `
      : `No image is labeled ${category.name}; `;
    consequence.textContent = ` ${become}${category.name} is deleted. Undo brings it back.`;
  };
  choice.select.addEventListener("change", state);
  state();
  return question({ title: `Merge “${category.name}”.`, consequence, action: "Merge", danger: false, leave, submit: () => done(target()) }, choice.field);
}

/**
 * @param {string} label
 * @param {Category[]} categories
 * @param {string} none   the first option, for no category; "" for no such option
 */
function categorySelect(label, categories, none) {
  const options = categories.map((each) => h("option", { value: String(each.id) }, each.name));
  if (none) options.unshift(h("option", { value: "0" }, none));
  const select = h("select", { className: "pxw-input" }, ...options);
  return { select, field: h("label", { className: "pxw-field" }, h("span", {}, label), select) };
}

/**
 * @param {HTMLSelectElement} select
 * @param {Category[]} categories
 */
function chosenOf(select, categories) {
  return categories.find((each) => String(each.id) === select.value) ?? null;
}

/**
 * A question with what its answer brings, before it is given.
 * @param {{ title: string, consequence: HTMLElement, action: string, danger: boolean, submit: () => void, leave: () => void }} options
 * @param {...import("../controls/dom.js").Child} fields
 */
function question({ title, consequence, action, danger, submit, leave }, ...fields) {
  const label = uniqueId("question");
  const buttons = [button("submit", action, danger ? "pxw-danger" : "pxw-primary"), button("button", "Keep", "", leave)];
  return h(
    "div",
    { role: "alertdialog", "aria-labelledby": label },
    form({ submit, leave, buttons }, h("p", { className: "pxw-question", id: label }, h("strong", {}, title), consequence), ...fields),
  );
}

/**
 * @param {"submit" | "button"} type
 * @param {string} text
 * @param {string} look
 * @param {() => void} [run]
 */
function button(type, text, look, run) {
  return h("button", { type, className: `pxw-button ${look}`, onclick: run }, text);
}

/**
 * @param {{ label?: string, submit: () => void, leave: () => void, buttons: HTMLButtonElement[] }} options
 * @param {...import("../controls/dom.js").Child} content
 */
function form({ label, submit, leave, buttons }, ...content) {
  return h(
    "form",
    {
      className: "pxw-form", "aria-label": label,
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        submit();
      },
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        // Nothing that is typed in a form reaches the images.
        event.stopPropagation();
        if (event.key !== "Escape") return;
        event.preventDefault();
        leave();
      },
    },
    ...content,
    h("div", { className: "pxw-form-buttons" }, ...buttons),
  );
}
