// One view of a labeler: the parts put together, and what stands in their place while there is nothing to label.
import { CategoryCommands } from "./categories/category_commands.js";
import { Commands } from "./commands.js";
import { h, icon } from "./controls/dom.js";
import { dismiss } from "./controls/floating.js";
import { Gestures } from "./grid/gestures.js";
import { Grid } from "./grid/grid.js";
import { makeHelp } from "./help.js";
import { Panel } from "./categories/panel.js";
import { StatusBar } from "./statusbar.js";
import { Toolbar } from "./toolbar/toolbar.js";
import { Viewer } from "./viewer/viewer.js";

/** @typedef {import("./kernel/session.js").Session} Session */

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
  const categoryCommands = new CategoryCommands(session);
  const grid = new Grid(session);
  const help = makeHelp(root, store);
  const viewer = new Viewer({ root, session, commands, help, left: () => comeBack() });
  const toolbar = new Toolbar({ root, session, commands, help });
  const panel = new Panel({ root, session, commands, categoryCommands });
  const status = new StatusBar(session, commands);
  const gestures = new Gestures({ root, grid, commands, store, help, view: () => viewer.open() });
  const notice = h("div", { className: "pxw-notice", hidden: true });
  const placeholder = h("div", { className: "pxw-placeholder", hidden: true });
  const stage = h("div", { className: "pxw-stage" }, grid.element, placeholder, viewer.element);
  root.append(h("div", { className: "pxw-body" }, toolbar.element, notice, panel.element, stage, status.element));

  // Notebook 7 looks at keys before the widget does, and asks the focused element first, not the widget around it.
  root.addEventListener("focusin", (event) => /** @type {HTMLElement} */ (event.target).setAttribute("data-lm-suppress-shortcuts", "true"));
  root.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!isTyping(target)) (viewer.opened ? viewer : gestures).key(event);
    event.stopPropagation();
  });
  // A press on what cannot have the focus, or on a button that goes with its press, would leave the focus to the notebook,
  // where the next digit turns the cell into a heading.
  const holdFocus = () => {
    if (!root.contains(document.activeElement)) (viewer.opened ? viewer : grid).element.focus({ preventScroll: true });
  };
  root.addEventListener("click", () => {
    holdFocus();
    setTimeout(holdFocus, 50);
  });
  for (const kind of /** @type {const} */ (["keyup", "keypress", "dblclick"])) {
    root.addEventListener(kind, (event) => event.stopPropagation());
  }

  /** From the viewer to the grid, where its image is. */
  function comeBack() {
    grid.reveal(store.selection.focus);
    grid.element.focus({ preventScroll: true });
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
    else if (change === "data" || change === "status" || change === "fields") drawPlaceholder();
  });
  host.append(root);
  drawNotice();
  drawPlaceholder();
  grid.relayout();
  const stopRestoring = restoreScroll(session, grid);

  return () => {
    dismiss(root);
    unsubscribe();
    stopRestoring();
    for (const part of [viewer, gestures, grid, toolbar, panel, status]) part.close();
    root.remove();
  };
}

/** Whether keys are text here. @param {HTMLElement} target */
function isTyping(target) {
  if (target instanceof HTMLInputElement) return !["range", "checkbox", "radio", "color", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target.isContentEditable;
}

/**
 * Scroll to where the page was before it was loaded anew, once there is something to scroll.
 * @param {Session} session
 * @param {Grid} grid
 * @returns {() => void} gives up
 */
function restoreScroll(session, grid) {
  const { store } = session;
  const { top } = session.preferenceKeep;
  if (top === null) return () => {};
  const restored = () => {
    const ready = store.ready && store.visible.length > 0;
    if (ready) grid.scrollToId(top);
    return ready;
  };
  if (restored()) return () => {};
  const end = store.subscribe(() => restored() && end());
  return end;
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
  if (store.incomplete) return [h("span", { className: "pxw-spinner" }), h("p", {}, "Looking for what passes the filter…")];
  const all = h("button", { type: "button", className: "pxw-button", onclick: () => store.setFilter([]) }, "Remove the filters");
  const filtered = store.filter.length > 0;
  return [
    h("h4", {}, filtered ? "No image passes the filter" : "No image to show"),
    ...(filtered ? [all] : [h("p", {}, "None of the chosen images is in the project.")]),
  ];
}
