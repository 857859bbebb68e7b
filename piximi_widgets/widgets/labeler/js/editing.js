// The forms of the category list: a name, a colour, and the question before a deletion.
import { counted } from "./commands.js";
import { h, uniqueId } from "./dom.js";

/**
 * @param {{ label: string, value: string, action: string, problem: (name: string) => string,
 *           done: (name: string) => void, leave: () => void }} options
 */
export function nameField({ label, value, action, problem, done, leave }) {
  const describedBy = uniqueId("problem");
  const message = h("p", { className: "pxw-problem", id: describedBy, role: "alert" });
  const input = h("input", {
    className: "pxw-input", type: "text", value, maxLength: 80, autocomplete: "off", spellcheck: false,
    placeholder: "Name", "aria-label": label, "aria-describedby": describedBy,
    oninput: () => (message.textContent = ""),
  });
  return h(
    "form",
    {
      className: "pxw-form",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        message.textContent = problem(input.value);
        if (!message.textContent) done(input.value);
        else input.setAttribute("aria-invalid", "true");
      },
      onkeydown: leaveOnEscape(leave),
    },
    input,
    message,
    h(
      "div",
      { className: "pxw-form-buttons" },
      h("button", { type: "submit", className: "pxw-button pxw-primary" }, action),
      h("button", { type: "button", className: "pxw-button", onclick: leave }, value ? "Keep" : "Done"),
    ),
  );
}

/**
 * @param {string} name
 * @param {number} count
 * @param {{ done: () => void, leave: () => void }} answer
 */
export function confirmRemoval(name, count, { done, leave }) {
  const label = uniqueId("question");
  const consequence = !count
    ? "No image has it."
    : `${counted(count)} ${count === 1 ? "becomes" : "become"} unlabeled. Undo brings ${count === 1 ? "it" : "them"} back.`;
  return h(
    "div",
    { className: "pxw-form", role: "alertdialog", "aria-labelledby": label, onkeydown: leaveOnEscape(leave) },
    h("p", { className: "pxw-question", id: label }, h("strong", {}, `Delete “${name}”?`), ` ${consequence}`),
    h(
      "div",
      { className: "pxw-form-buttons" },
      h("button", { type: "button", className: "pxw-button pxw-danger", onclick: done }, "Delete"),
      h("button", { type: "button", className: "pxw-button", onclick: leave }, "Keep"),
    ),
  );
}

/**
 * The browser's own colour dialog, opened beside a row.
 * @param {HTMLElement | undefined} row
 * @param {{ name: string, color: string }} category
 * @param {(color: string) => void} done
 */
export function pickColor(row, category, done) {
  if (!row) return;
  const input = h("input", {
    type: "color", className: "pxw-color", value: category.color, "aria-label": `Colour of ${category.name}`, tabIndex: -1,
  });
  const panel = row.closest(".pxw-panel") ?? row;
  panel.querySelectorAll(".pxw-color").forEach((former) => former.remove());
  input.style.top = `${row.offsetTop}px`;
  input.addEventListener("change", () => {
    input.remove();
    done(input.value);
  });
  panel.append(input);
  input.click();
}

/** @param {() => void} leave */
function leaveOnEscape(leave) {
  return (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    leave();
  };
}
