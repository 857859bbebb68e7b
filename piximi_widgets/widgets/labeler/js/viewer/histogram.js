// How often which values occur, and where the ends of a window lie on that scale.

/** @typedef {import("./blend.js").Values} Values */
/** @typedef {import("./blend.js").Window} Window */

/** Values that are looked at: enough for a picture of how they are spread. */
const MOST_VALUES = 400_000;
/** The window is at least one in so many parts of its slider. */
const SMALLEST_SHARE = 10;

/**
 * @typedef {object} Statistics
 * @property {number} low     the smallest value, and
 * @property {number} high    the largest one, of those that are numbers
 * @property {number} width   of a bin
 * @property {Uint32Array} counts   in bins from `low` on
 */

/**
 * @param {Values[]} pieces
 * @param {number} most      bins at most
 * @param {boolean} whole    whether values are whole numbers, of which each bin then holds equally many
 * @returns {Statistics | null} null where no value is a finite number
 */
export function statistics(pieces, most, whole) {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  // An odd step visits all columns of an image whose width is a power of two.
  const step = Math.floor(total / MOST_VALUES) | 1;
  let low = Infinity;
  let high = -Infinity;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += step) {
      const value = piece[at];
      if (value < low && value !== -Infinity) low = value;
      if (value > high && value !== Infinity) high = value;
    }
  }
  if (low > high) return null;
  const span = whole ? high - low + 1 : high - low;
  const width = whole ? Math.ceil(span / most) : span / most || 1;
  const counts = new Uint32Array(whole ? Math.ceil(span / width) : most);
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += step) {
      const bin = Math.floor((piece[at] - low) / width);
      // The largest value is the upper edge of the last bin.
      if (bin >= 0 && bin <= counts.length) counts[Math.min(bin, counts.length - 1)]++;
    }
  }
  return { low, high, width, counts };
}

/**
 * The outline of a histogram as an SVG path in a box of 1 by 1; rare values are lifted by the logarithm.
 * @param {Statistics} found
 * @param {Window} domain   the values at the left and the right edge
 */
export function outline({ low, width, counts }, domain) {
  const most = Math.log1p(counts.reduce((greatest, count) => Math.max(greatest, count), 0)) || 1;
  const x = (/** @type {number} */ value) => ((value - domain[0]) / (domain[1] - domain[0])).toFixed(4);
  let path = `M${x(low)} 1`;
  counts.forEach((count, bin) => {
    path += `V${(1 - Math.log1p(count) / most).toFixed(3)}H${x(low + (bin + 1) * width)}`;
  });
  return `${path}V1Z`;
}

/**
 * The values that a slider for a window reaches: all that occur, and the window's ends. Where a few bright pixels would press
 * the window into a corner, only what lies around it.
 * @param {Window} window
 * @param {Statistics | null} found
 * @param {string} dtype
 * @returns {Window}
 */
export function domainOf([low, high], found, dtype) {
  if (dtype === "uint8") return [Math.min(0, low), Math.max(255, high)];
  const least = Math.min(low, found?.low ?? low);
  const most = Math.max(high, found?.high ?? high);
  const width = high - low;
  if (width > 0 && width * SMALLEST_SHARE < most - least) return [Math.max(least, low - 2 * width), Math.min(most, high + 4 * width)];
  return most > least ? [least, most] : [least, least + 1];
}

/**
 * A window with one end moved: within the domain, and never past the other end.
 * @param {Window} window
 * @param {0 | 1} end
 * @param {number} value
 * @param {Window} domain
 * @param {boolean} whole   whether values are whole numbers
 * @returns {Window}
 */
export function moved(window, end, value, domain, whole) {
  const gap = whole ? 1 : (domain[1] - domain[0]) / 1000;
  let target = Math.min(Math.max(value, domain[0]), domain[1]);
  if (whole) target = Math.round(target);
  return end === 0 ? [Math.min(target, window[1] - gap), window[1]] : [window[0], Math.max(target, window[0] + gap)];
}
