// One view of a labeler: the parts put together, and what stands in their place while there is nothing to label.
import { Commands } from "./commands.js";
import { h, icon } from "./dom.js";
import { Gestures } from "./gestures.js";
import { Grid } from "./grid.js";
import { makeHelp } from "./help.js";
import { Panel } from "./panel.js";
import { StatusBar } from "./statusbar.js";
import { Toolbar } from "./toolbar.js";

/** @typedef {import("./session.js").Session} Session */

/**
 * @param {Session} session
 * @param {HTMLElement} host
 * @returns {() => void} takes the view away
 */
export function mount(session, host) {
  const { store } = session;
  const root = h("div", {
    className: "pxw-labeler",
    // JupyterLab would turn digits into headings, and its own menu would hide ours.
    "data-lm-suppress-shortcuts": "true",
    "data-jp-suppress-context-menu": "true",
  });
  const commands = new Commands(session);
  const grid = new Grid(session);
  const help = makeHelp(root);
  const toolbar = new Toolbar({ root, session, commands, resize: (size) => grid.setSize(size), help });
  const panel = new Panel(root, commands);
  const status = new StatusBar(session);
  const gestures = new Gestures({ root, grid, commands, store, help });
  const notice = h("div", { className: "pxw-notice", hidden: true });
  const placeholder = h("div", { className: "pxw-placeholder", hidden: true });
  const stage = h("div", { className: "pxw-stage" }, grid.element, placeholder);
  root.append(h("div", { className: "pxw-body" }, toolbar.element, notice, panel.element, stage, status.element));

  root.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target instanceof HTMLInputElement && target.type === "text";
    if (!typing) gestures.key(event);
    event.stopPropagation();
  });
  // A press on what cannot have the focus, or on a button that goes with its press, would leave the focus to the notebook,
  // where the next digit turns the cell into a heading.
  const holdFocus = () => {
    if (!root.contains(document.activeElement)) grid.element.focus({ preventScroll: true });
  };
  root.addEventListener("click", () => {
    holdFocus();
    setTimeout(holdFocus, 50);
  });
  for (const kind of /** @type {const} */ (["keyup", "keypress", "dblclick"])) {
    root.addEventListener(kind, (event) => event.stopPropagation());
  }

  const drawNotice = () => {
    const shown = store.notice;
    notice.hidden = !shown;
    if (!shown) return;
    notice.className = `pxw-notice pxw-${shown.tone}`;
    notice.setAttribute("role", shown.tone === "error" ? "alert" : "group");
    const actions = (shown.actions ?? []).map((action, index) =>
      h("button", { type: "button", className: `pxw-button${index ? "" : " pxw-primary"}`, onclick: action.run }, action.label),
    );
    const closer = h("button", { type: "button", className: "pxw-tool", "aria-label": "Dismiss", onclick: () => store.setNotice(null) }, icon("cross"));
    notice.replaceChildren(h("span", { className: "pxw-notice-text" }, shown.text), ...actions, ...(actions.length ? [] : [closer]));
  };

  const drawPlaceholder = () => {
    const words = emptyWords(session);
    placeholder.hidden = !words;
    grid.element.classList.toggle("pxw-nothing", Boolean(words));
    placeholder.replaceChildren(...(words ?? []));
  };

  const unsubscribe = store.subscribe((change) => {
    if (change === "notice") drawNotice();
    else if (change !== "pictures" && change !== "selection") drawPlaceholder();
  });
  host.append(root);
  drawNotice();
  drawPlaceholder();
  grid.relayout();

  return () => {
    unsubscribe();
    for (const part of [grid, toolbar, panel, status]) part.close();
    root.remove();
  };
}

/**
 * What to say where the images would be; null when there are some.
 * @param {Session} session
 * @returns {Node[] | null}
 */
function emptyWords({ store }) {
  if (store.visible.length) return null;
  if (!store.ready) {
    return store.silent
      ? [h("h4", {}, "The kernel does not answer"), h("p", {}, "Is it running, or busy with a long cell? The images appear as soon as it answers.")]
      : [h("span", { className: "pxw-spinner" }), h("p", {}, "Opening the project…")];
  }
  if (!store.table.length) {
    return [
      h("h4", {}, "No images yet"),
      h("p", {}, "Add some in a cell; they appear here by themselves:"),
      h("code", {}, 'project.add_images("folder/of/images/*.png")'),
    ];
  }
  const all = h("button", { type: "button", className: "pxw-button", onclick: () => store.setFilter({}) }, "Remove the filters");
  const filtered = store.filter.category !== undefined || store.filter.partition !== undefined;
  return [
    h("h4", {}, filtered ? "No image passes the filter" : "No image to show"),
    ...(filtered ? [all] : [h("p", {}, "None of the chosen images is in the project.")]),
  ];
}
