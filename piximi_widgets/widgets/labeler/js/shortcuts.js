// Which key does what. One table feeds the keyboard, the hints and the overlay.

/** @typedef {{ key: string, code?: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean, altKey: boolean }} Key */
/** @typedef {import("./types.js").Category} Category */

/**
 * What a key asks for.
 * @typedef {object} Stroke
 * @property {string} command   of the table, or "label" for a character that may give a category
 * @property {string} [key]     the character typed, in small letters
 * @property {string} [place]   the Latin letter or digit of the key's place, where the keyboard types something else there
 * @property {boolean} [extend]   with Shift
 * @property {boolean} [only]     with Ctrl or ⌘
 */

/**
 * @typedef {object} Shortcut
 * @property {string[]} press    keys as events name them, "mod+" before them for Ctrl or ⌘; empty for the mouse
 * @property {string} text       what the overlay says; "" where the line of another one says it
 * @property {string} [command]
 * @property {string[][]} [shown]   what the overlay shows instead of the keys
 */

/** @type {{ title: string, shortcuts: Shortcut[] }[]} */
const TABLE = [
  {
    title: "Label",
    shortcuts: [
      { command: "unlabel", press: ["u"], text: "Remove the label" },
      { command: "accept", press: ["Enter"], text: "Accept the prediction as the label" },
      { command: "refuse", press: ["Backspace"], text: "Refuse the prediction" },
      { command: "unsure", press: ["?"], text: "Mark as unsure, or as sure again" },
      { command: "exclude", press: ["Delete"], text: "Exclude from training, or include again" },
      { command: "undo", press: ["mod+z"], text: "Undo" },
      { command: "redo", press: ["mod+shift+z", "mod+y"], text: "Redo" },
      { command: "save", press: ["mod+s"], text: "" },
    ],
  },
  {
    title: "Select",
    shortcuts: [
      { press: [], shown: [["Click"]], text: "One image" },
      { press: [], shown: [["mod", "Click"]], text: "Add or remove one image" },
      { press: [], shown: [["Shift", "Click"]], text: "A range" },
      { press: [], shown: [["Drag"]], text: "All in a rectangle; with {mod} or Shift, add them" },
      { command: "selectAll", press: ["mod+a"], text: "Everything that is shown" },
      { command: "invert", press: ["mod+i"], text: "What is not selected instead" },
      { command: "toggle", press: [" ", "mod+ "], shown: [[" "]], text: "Add or remove the image with the focus" },
      { command: "escape", press: ["Escape"], text: "Select nothing; in the viewer, close it" },
    ],
  },
  {
    title: "Move",
    shortcuts: [
      {
        command: "left", press: ["ArrowLeft"], shown: [["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]],
        text: "To the next image; with Shift, extend the selection; with {mod}, only the focus",
      },
      { command: "right", press: ["ArrowRight"], text: "" },
      { command: "up", press: ["ArrowUp"], text: "" },
      { command: "down", press: ["ArrowDown"], text: "" },
      { command: "home", press: ["Home"], shown: [["Home"], ["End"]], text: "First and last image; with Shift, all up to there" },
      { command: "end", press: ["End"], text: "" },
      { command: "pageUp", press: ["PageUp"], shown: [["PageUp"], ["PageDown"]], text: "One page; with Shift, extend the selection" },
      { command: "pageDown", press: ["PageDown"], text: "" },
    ],
  },
  {
    title: "Look",
    shortcuts: [
      { command: "view", press: ["v"], shown: [["v"], ["Double-click"]], text: "Look at the images one at a time" },
      { command: "zoomIn", press: ["+"], shown: [["+"], ["-"]], text: "Larger and smaller; also {mod} with the mouse wheel" },
      { command: "zoomOut", press: ["-"], text: "" },
      { press: [], shown: [["ArrowLeft", "ArrowRight"]], text: "In the viewer: image before and after" },
      { command: "fit", press: ["="], text: "In the viewer: the whole image" },
      { command: "planeBefore", press: [","], shown: [[","], ["."]], text: "In the viewer: plane before and after" },
      { command: "planeAfter", press: ["."], text: "" },
      { command: "menu", press: ["ContextMenu", "shift+F10"], shown: [["shift", "F10"], ["Right-click"]], text: "What can be done with the images" },
      { command: "help", press: ["h", "F1"], text: "This list" },
    ],
  },
  {
    title: "In the list of categories",
    shortcuts: [
      { press: [], shown: [["ArrowUp", "ArrowDown"]], text: "Next category" },
      { press: [], shown: [["Enter"]], text: "Give it to the selected images" },
      { press: [], shown: [["Alt", "ArrowUp", "ArrowDown"]], text: "Move it; automatic keys follow the order" },
      { press: [], shown: [["Alt", "Click"]], text: "Show only its images" },
      { press: [], shown: [["F2"]], text: "Rename" },
      { press: [], shown: [["Delete"]], text: "Delete, after a question" },
      { press: [], shown: [["shift", "F10"]], text: "Everything else: colour, key, merge" },
    ],
  },
];

/** @type {Map<string, string>} */
const COMMANDS = new Map(
  TABLE.flatMap(({ shortcuts }) => shortcuts.flatMap(({ command, press }) => press.map((key) => /** @type {[string, string]} */ ([key, command])))),
);
/** Commands that move the focus. */
export const MOVES = new Set(["left", "right", "up", "down", "home", "end", "pageUp", "pageDown"]);

/** What a key that is held down may do again and again: it is seen, and it labels nothing. */
const HOLDABLE = new Set([...MOVES, "undo", "redo", "zoomIn", "zoomOut", "planeBefore", "planeAfter"]);

/**
 * Whether a key that is held down asks for something that is done once.
 * @param {KeyboardEvent} event
 * @param {Stroke} stroke
 */
export function isHeldTooLong(event, stroke) {
  return event.repeat && !HOLDABLE.has(stroke.command);
}

/**
 * What a key asks for; null when it is nothing of ours.
 * @param {Key} key
 * @returns {Stroke | null}
 */
export function strokeOf(key) {
  const only = key.ctrlKey || key.metaKey;
  const extend = key.shiftKey;
  if (key.altKey) return null;
  const typed = key.key.length === 1 ? key.key.toLowerCase() : "";
  const place = typed ? placeOf(key, typed) : "";
  if (only) {
    const command = COMMANDS.get(`mod+${extend ? "shift+" : ""}${place || typed}`);
    if (command) return { command };
  }
  if (!typed) {
    const moves = COMMANDS.get(key.key) ?? "";
    if (MOVES.has(moves)) return { command: moves, extend, only };
    const command = only ? undefined : COMMANDS.get(extend ? `shift+${key.key}` : key.key);
    return command ? { command } : null;
  }
  if (only) return null;
  // A letter of another alphabet may be a category's own key, and otherwise means what a Latin keyboard has in its place.
  const command = /[0-9]/.test(place) ? undefined : (COMMANDS.get(typed) ?? COMMANDS.get(place));
  return { command: command ?? "label", key: typed, ...(place ? { place } : {}) };
}

/**
 * The Latin letter or digit of a key's place, where it types something else: digits need Shift on some keyboards, and Greek
 * or Cyrillic keyboards type no Latin letter at all.
 * @param {Key} key
 * @param {string} typed
 */
function placeOf(key, typed) {
  const digit = /^Digit([0-9])$/.exec(key.code ?? "");
  if (digit) return key.shiftKey || typed === digit[1] ? "" : digit[1];
  const letter = /^Key([A-Z])$/.exec(key.code ?? "");
  return letter && typed > "\x7f" ? letter[1].toLowerCase() : "";
}

const AUTOMATIC = Array.from("1234567890abcdefghijklmnopqrstuvwxyz").filter((key) => !COMMANDS.has(key));

/**
 * The key of each category that has one: its own, or else the next free one, digits first.
 * @param {Category[]} categories
 * @returns {Map<number, string>} by the category's id
 */
export function keysFor(categories) {
  const taken = new Set(categories.map((each) => each.key.toLowerCase()));
  const free = AUTOMATIC.filter((key) => !taken.has(key)).values();
  /** @type {Map<number, string>} */
  const keys = new Map();
  for (const { id, key } of categories) {
    const given = key ? key.toLowerCase() : free.next().value;
    if (given) keys.set(id, given);
  }
  return keys;
}

/** @param {string} platform */
export function isApple(platform) {
  return /mac|iphone|ipad/i.test(platform);
}

const FACES = {
  " ": "Space", Escape: "Esc", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓",
  PageUp: "Page ↑", PageDown: "Page ↓", ContextMenu: "Menu", shift: "Shift", mod: "Ctrl", "-": "−",
};
// On Apple's keyboards the key named "delete" is what others call Backspace, and small ones make the rest with fn.
const APPLE_FACES = { ...FACES, mod: "⌘", Backspace: "⌫", Delete: "⌦", shift: "⇧", Shift: "⇧", Home: "↖", End: "↘" };

/**
 * What a key is called on a keyboard.
 * @param {string} key
 * @param {boolean} apple
 */
export function faceOf(key, apple) {
  const faces = /** @type {Record<string, string>} */ (apple ? APPLE_FACES : FACES);
  return faces[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}

/**
 * The faces of a command's first key, for hints: ["Ctrl", "Z"].
 * @param {string} command
 * @param {boolean} apple
 */
export function facesOf(command, apple) {
  for (const [press, name] of COMMANDS) if (name === command) return parts(press).map((key) => faceOf(key, apple));
  throw new Error(`There is no shortcut for ${command}.`);
}

/**
 * What the overlay lists: alternatives of keys pressed together, and what they do.
 * @param {boolean} apple
 * @param {Category[]} categories
 * @returns {{ title: string, entries: { keys: string[][], text: string }[] }[]}
 */
export function shortcutGroups(apple, categories) {
  const mod = faceOf("mod", apple);
  const keys = keysFor(categories);
  const groups = TABLE.map(({ title, shortcuts }) => ({
    title,
    entries: shortcuts.filter(({ text }) => text).map(({ press, shown, text }) => ({
      keys: (shown ?? press.map(parts)).map((together) => together.map((key) => faceOf(key, apple))),
      text: text.replace("{mod}", mod),
    })),
  }));
  const labels = categories.flatMap(({ id, name }) => {
    const key = keys.get(id);
    return key ? [{ keys: [[faceOf(key, apple)]], text: name }] : [];
  });
  return [{ title: "Give a category", entries: labels }, ...groups].filter(({ entries }) => entries.length);
}

/** @param {string} press */
function parts(press) {
  return press === "+" ? ["+"] : press.split("+");
}
