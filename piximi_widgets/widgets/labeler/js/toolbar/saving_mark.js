// The small mark that says whether every label is on disk.
import { counted } from "../commands.js";
import { h, icon } from "../controls/dom.js";

/** @typedef {import("../state/store.js").Store} Store */

export class SavingMark {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.shown = "";
    this.element = h("span", { className: "pxw-saving" });
  }

  draw() {
    const { state, text, title } = savingWords(this.store);
    const key = `${state} ${text} ${title}`;
    if (this.shown === key) return;
    this.shown = key;
    this.element.className = `pxw-saving pxw-${state}`;
    this.element.title = title;
    const marks = { saved: () => [icon("check")], offline: () => [icon("cloudOff")], saving: () => [h("span", { className: "pxw-dot" })], locked: () => [] };
    this.element.replaceChildren(...marks[state](), h("span", {}, text));
  }
}

/**
 * @param {Pick<Store, "saving" | "waiting" | "silent" | "reason" | "storage" | "readOnly">} store
 * @returns {{ state: "saved" | "saving" | "offline" | "locked", text: string, title: string }}
 */
export function savingWords({ saving, waiting, silent, reason, storage, readOnly }) {
  const kept = storage ? "They are kept in this browser until the kernel answers." : "This browser keeps nothing: leave the page open.";
  const why = [reason, waiting ? kept : ""].filter(Boolean).join(" ");
  if (saving === "offline") return { state: "offline", text: `Offline · ${counted(waiting, "edit")} waiting`, title: why };
  if (silent) return { state: "offline", text: "No answer from the kernel", title: why };
  if (readOnly) return { state: "locked", text: "Read-only", title: "This project was opened for reading only: nothing can be changed." };
  if (saving === "saving") return { state: "saving", text: "Saving…", title: why };
  return { state: "saved", text: "Saved", title: "Every label is on disk." };
}
