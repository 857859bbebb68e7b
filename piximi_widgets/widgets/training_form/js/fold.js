// A button that opens and closes what stands below it. Whether it is open is the button's `aria-expanded`, which the style
// sheet reads: a click works at once, also while the kernel is busy.

/**
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, callback: () => void) => void} on
 * @property {(event: string, callback: () => void) => void} off
 */

/** @param {{ model: Model, el: HTMLElement }} parts */
function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pxw-u-fold-button";
  const words = document.createElement("span");
  const hint = document.createElement("span");
  hint.className = "pxw-u-fold-hint";
  button.append(words, hint);
  el.append(button);

  const draw = () => {
    words.textContent = model.get("words");
    hint.textContent = model.get("hint");
    button.setAttribute("aria-label", `${model.get("subject")}: ${model.get("words")}`);
    button.setAttribute("aria-expanded", String(model.get("opened")));
  };
  button.addEventListener("click", () => {
    model.set("opened", !model.get("opened"));
    model.save_changes();
  });
  const events = ["change:words", "change:hint", "change:opened"];
  events.forEach((event) => model.on(event, draw));
  draw();
  return () => events.forEach((event) => model.off(event, draw));
}

export default { render };
