// Which key does what. One table feeds the keyboard, the hints and the overlay.

/** @typedef {{ key: string, code?: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean, altKey: boolean }} Key */
/** @typedef {{ command: string, index?: number, extend?: boolean, only?: boolean }} Stroke */

/** @type {Record<string, string>} */
const MOVES = {
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
  Home: "home", End: "end", PageUp: "pageUp", PageDown: "pageDown",
};

/**
 * What a key asks for in the grid; null when it is nothing of ours.
 * @param {Key} key
 * @returns {Stroke | null}
 */
export function strokeOf(key) {
  const chord = key.ctrlKey || key.metaKey;
  if (key.altKey) return null;
  const letter = key.key.length === 1 ? key.key.toLowerCase() : key.key;
  if (chord) {
    if (letter === "a") return { command: "selectAll" };
    if (letter === "z") return { command: key.shiftKey ? "redo" : "undo" };
    if (letter === "y") return { command: "redo" };
    if (letter === "s") return { command: "save" };
    if (letter === " ") return { command: "toggle" };
  }
  if (letter in MOVES) return { command: MOVES[letter], extend: key.shiftKey, only: chord };
  if (chord) return null;
  const digit = digitOf(key);
  if (digit >= 0) return { command: "label", index: (digit + 9) % 10 };
  if (letter === "u") return { command: "unlabel" };
  if (letter === "?") return { command: "help" };
  if (letter === " ") return { command: "toggle" };
  if (letter === "Delete") return { command: "exclude" };
  if (letter === "Escape") return { command: "escape" };
  if (letter === "Enter") return { command: "pick" };
  if (letter === "ContextMenu" || (letter === "F10" && key.shiftKey)) return { command: "menu" };
  return null;
}

/**
 * The digit of a key, or -1. Where digits need Shift (AZERTY), the key's place on the keyboard counts.
 * @param {Key} key
 */
function digitOf(key) {
  if (/^[0-9]$/.test(key.key)) return Number(key.key);
  const place = /^Digit([0-9])$/.exec(key.code ?? "");
  return place && !key.shiftKey ? Number(place[1]) : -1;
}

/**
 * The key of the n-th category, or "" when it has none.
 * @param {number} index
 */
export function keyOf(index) {
  return index < 10 ? String((index + 1) % 10) : "";
}

/** @param {string} platform */
export function isApple(platform) {
  return /mac|iphone|ipad/i.test(platform);
}

/**
 * What the overlay lists.
 * @param {boolean} apple
 * @returns {{ title: string, entries: [string[], string][] }[]}
 */
export function shortcutGroups(apple) {
  const chord = apple ? "⌘" : "Ctrl";
  return [
    {
      title: "Label",
      entries: [
        [["1", "…", "9", "0"], "Give the selected images the first to tenth category"],
        [["U"], "Remove their label"],
        [["Delete"], "Exclude them from training, or include them again"],
        [[chord, "Z"], "Undo"],
        [[chord, "Shift", "Z"], `Redo (also ${chord} Y)`],
      ],
    },
    {
      title: "Select",
      entries: [
        [["Click"], "Select one image"],
        [[chord, "Click"], "Add or remove one image"],
        [["Shift", "Click"], "Select a range"],
        [[chord, "A"], "Select everything the filter shows"],
        [["Space"], "Add or remove the focused image"],
        [["Esc"], "Clear the selection"],
      ],
    },
    {
      title: "Move",
      entries: [
        [["←", "→", "↑", "↓"], "To the next image; with Shift, extend the selection"],
        [[chord, "←", "→"], "Move the focus only"],
        [["Home", "End"], "First and last image"],
        [["Page ↑", "Page ↓"], "One page"],
      ],
    },
    {
      title: "Categories (in the list)",
      entries: [
        [["↑", "↓"], "Next category"],
        [["Enter"], "Give it to the selected images"],
        [["F2"], "Rename"],
        [["Delete"], "Delete, after a question"],
        [["Shift", "F10"], "Everything else: filter, colour"],
      ],
    },
  ];
}
