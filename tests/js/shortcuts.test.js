import assert from "node:assert/strict";
import { test } from "node:test";
import { facesOf, isHeldTooLong, keysFor, shortcutGroups, strokeOf } from "../../piximi_widgets/widgets/labeler/js/shortcuts.js";

/** @param {string} key @param {object} [more] */
const press = (key, more) => strokeOf({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more });
/** @param {string} key @param {object} [more] */
const commandOf = (key, more) => press(key, more)?.command ?? null;

/** @param {string[]} keys   of each category, "" for those without an own one */
const categoriesWith = (...keys) => keys.map((key, at) => ({ id: at + 1, name: `c${at + 1}`, color: "#000000", key }));

test("keys do what the overlay says", () => {
  const wanted = {
    unlabel: ["u"], accept: ["Enter"], refuse: ["Backspace"], unsure: ["?"], exclude: ["Delete"], view: ["v"], help: ["h", "F1"],
    toggle: [" "], escape: ["Escape"], zoomIn: ["+"], zoomOut: ["-"], fit: ["="], planeBefore: [","], planeAfter: ["."], menu: ["ContextMenu"],
  };
  for (const [command, keys] of Object.entries(wanted)) for (const key of keys) assert.equal(commandOf(key), command, key);
  assert.equal(commandOf("?", { shiftKey: true, code: "Slash" }), "unsure");
  assert.equal(commandOf("+", { shiftKey: true, code: "Equal" }), "zoomIn");
  assert.equal(commandOf("F10", { shiftKey: true }), "menu");
});

test("chords are told from letters, and the browser keeps what is not ours", () => {
  assert.equal(commandOf("z", { ctrlKey: true }), "undo");
  assert.equal(commandOf("Z", { metaKey: true, shiftKey: true }), "redo");
  assert.equal(commandOf("y", { ctrlKey: true }), "redo");
  assert.equal(commandOf("a", { metaKey: true }), "selectAll");
  assert.equal(commandOf("i", { ctrlKey: true }), "invert");
  assert.equal(commandOf(" ", { ctrlKey: true }), "toggle");
  /** @type {[string, object][]} */
  const theirs = [
    ["u", { ctrlKey: true }], ["1", { ctrlKey: true }], ["1", { altKey: true }], ["Tab", {}], ["I", { ctrlKey: true, shiftKey: true }], ["+", { ctrlKey: true }],
    ["Enter", { shiftKey: true }], ["Enter", { ctrlKey: true }], ["F10", {}], ["Dead", {}], ["Process", {}], ["F5", {}], ["Shift", { shiftKey: true }],
  ];
  for (const [key, more] of theirs) assert.equal(press(key, more), null, key);
});

test("moves carry whether they extend the selection and whether only the focus moves", () => {
  assert.deepEqual(press("ArrowDown"), { command: "down", extend: false, only: false });
  assert.deepEqual(press("End", { shiftKey: true }), { command: "end", extend: true, only: false });
  assert.deepEqual(press("ArrowLeft", { ctrlKey: true, shiftKey: true }), { command: "left", extend: true, only: true });
});

test("letters count as they are typed, with CapsLock and Shift too", () => {
  assert.deepEqual(press("q", { code: "KeyA" }), { command: "label", key: "q" });
  assert.deepEqual(press("Q", { code: "KeyQ" }), { command: "label", key: "q" });
  assert.equal(commandOf("U", { code: "KeyU" }), "unlabel");
  assert.equal(commandOf("U", { code: "KeyU", shiftKey: true }), "unlabel");
  assert.equal(commandOf("Z", { ctrlKey: true, code: "KeyZ" }), "undo");
});

test("on a keyboard whose digits need Shift, the key's place counts, whatever it types", () => {
  assert.deepEqual(press("&", { code: "Digit1" }), { command: "label", key: "&", place: "1" });
  assert.deepEqual(press("-", { code: "Digit6" }), { command: "label", key: "-", place: "6" });
  assert.deepEqual(press("1", { code: "Digit1", shiftKey: true }), { command: "label", key: "1" });
  assert.deepEqual(press("?", { code: "Digit7", shiftKey: true })?.command, "unsure");
  assert.deepEqual(press("5", { code: "Numpad5" }), { command: "label", key: "5" });
});

test("where a keyboard types no Latin letters, the key's place counts", () => {
  assert.equal(commandOf("г", { code: "KeyU" }), "unlabel");
  assert.equal(commandOf("Θ", { code: "KeyU" }), "unlabel");
  assert.equal(commandOf("я", { code: "KeyZ", ctrlKey: true }), "undo");
  assert.equal(commandOf("Я", { code: "KeyZ", ctrlKey: true, shiftKey: true }), "redo");
  assert.deepEqual(press("ф", { code: "KeyA" }), { command: "label", key: "ф", place: "a" });
  assert.deepEqual(press("ü", { code: "BracketLeft" }), { command: "label", key: "ü" });
});

test("categories get digits, then the letters that mean nothing else", () => {
  const keys = [...keysFor(categoriesWith(...Array(40).fill(""))).values()];
  assert.equal(keys.join(""), "1234567890abcdefgijklmnopqrstwxyz");
});

test("a category's own key counts, and no other gets it", () => {
  const keys = keysFor(categoriesWith("", "1", "M", "", "é"));
  assert.deepEqual([...keys], [[1, "2"], [2, "1"], [3, "m"], [4, "3"], [5, "é"]]);
});

test("the overlay lists the categories with their keys, and every command that has a key", () => {
  const groups = shortcutGroups(false, categoriesWith("", "m"));
  assert.deepEqual(groups[0].entries, [{ keys: [["1"]], text: "c1" }, { keys: [["M"]], text: "c2" }]);
  const listed = JSON.stringify(groups);
  for (const face of ["U", "Enter", "Backspace", "?", "Delete", "Z", "Y", "A", "I", "Space", "Esc", "←", "Home", "End", "Page ↑", "V", "+", "−", "=", ",", ".", "H", "F1", "F10"]) {
    assert.ok(listed.includes(JSON.stringify(face)), face);
  }
  assert.doesNotMatch(listed, /\{mod\}|"mod"|⌘/);
  assert.equal(shortcutGroups(false, [])[0].title, "Label");
});

test("on Apple's keyboards keys have their own signs", () => {
  const listed = JSON.stringify(shortcutGroups(true, []));
  assert.match(listed, /⌘/);
  assert.doesNotMatch(listed, /Ctrl|Backspace/);
  assert.deepEqual(facesOf("undo", true), ["⌘", "Z"]);
  assert.deepEqual(facesOf("refuse", true), ["⌫"]);
  assert.deepEqual(facesOf("zoomIn", false), ["+"]);
  assert.throws(() => facesOf("fly", false), /fly/);
});

test("a key that is held down moves on and on, but labels once", () => {
  const held = /** @type {KeyboardEvent} */ ({ repeat: true });
  for (const command of ["left", "pageDown", "undo", "zoomIn"]) assert.equal(isHeldTooLong(held, { command }), false);
  for (const command of ["label", "accept", "unsure", "exclude", "toggle"]) assert.equal(isHeldTooLong(held, { command }), true);
  assert.equal(isHeldTooLong(/** @type {KeyboardEvent} */ ({ repeat: false }), { command: "label" }), false);
});
