// Category colours: a palette that colour-blind eyes tell apart, and ink that can be read on any colour.

/** Okabe and Ito's palette first, then lighter and darker companions. */
export const PALETTE = [
  "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8f7ee7", "#f0e442",
  "#7f5539", "#5c8001", "#b5179e", "#3d5a80", "#ff8fa3", "#2ec4b6", "#9d0208", "#8d99ae",
];

/**
 * The first colour of the palette that no category has.
 * @param {{ color: string }[]} categories
 */
export function freeColor(categories) {
  const taken = new Set(categories.map((each) => each.color.toLowerCase()));
  return PALETTE.find((color) => !taken.has(color)) ?? PALETTE[categories.length % PALETTE.length];
}

/** @type {Map<string, string>} */
const inks = new Map();

/**
 * Black or white, whichever has the higher contrast on `color` (#rrggbb), by WCAG's relative luminance.
 * @param {string} color
 */
export function inkOn(color) {
  let ink = inks.get(color);
  if (!ink) {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const value = parseInt(color.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    ink = luminance > 0.179 ? "#000000" : "#ffffff";
    inks.set(color, ink);
  }
  return ink;
}
