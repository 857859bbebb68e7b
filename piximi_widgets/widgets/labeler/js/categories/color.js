// Category colours: a palette that colour-blind eyes tell apart, and ink that can be read on any colour.

// Okabe and Ito's seven (https://jfly.uni-koeln.de/color/), then what stays farthest from all before it: any two differ by
// more than 10 (CIEDE2000) for normal eyes and for people without one of the three kinds of cones.
const NAMED = /** @type {[string, string][]} */ ([
  ["#0072b2", "blue"], ["#e69f00", "orange"], ["#009e73", "green"], ["#cc79a7", "pink"],
  ["#56b4e9", "sky blue"], ["#d55e00", "vermilion"], ["#f0e442", "yellow"], ["#553333", "brown"],
  ["#ccddcc", "pale green"], ["#992200", "brick red"], ["#003388", "navy"], ["#666666", "grey"],
  ["#44eeff", "cyan"], ["#1100ee", "ultramarine"], ["#8877ff", "violet"], ["#444455", "slate"],
]);

export const PALETTE = NAMED.map(([color]) => color);

const NAMES = new Map(NAMED);

/** What to call a colour: its name in the palette, or what it is. @param {string} color */
export function colorName(color) {
  return NAMES.get(color.toLowerCase()) ?? color;
}

/**
 * The first colour of the palette that the fewest categories have.
 * @param {{ color: string }[]} categories
 */
export function freeColor(categories) {
  const uses = new Map(PALETTE.map((color) => [color, 0]));
  for (const { color } of categories) {
    const count = uses.get(color.toLowerCase());
    if (count !== undefined) uses.set(color.toLowerCase(), count + 1);
  }
  const least = Math.min(...uses.values());
  return PALETTE.find((color) => uses.get(color) === least) ?? PALETTE[0];
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
