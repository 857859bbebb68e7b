// The length that a scale bar shows, and how lengths are written.

/** @typedef {(number | null)[]} PixelSize   z, y and x in micrometres */

/**
 * The width of a pixel in micrometres, or 0 where it is not known.
 * @param {PixelSize | null | undefined} size
 */
export function pixelWidth(size) {
  return size?.[2] || size?.[1] || 0;
}

/**
 * A round length, 1, 2 or 5 times a power of ten, that is not longer than there is room for.
 * @param {number} micrometres   for one pixel of the canvas
 * @param {number} room          in pixels of the canvas
 * @returns {{ text: string, width: number } | null} width: in pixels of the canvas
 */
export function scaleBar(micrometres, room) {
  const most = micrometres * room;
  if (!(most > 0) || !Number.isFinite(most)) return null;
  // The rounding error of a logarithm must not cost a whole power of ten.
  const power = 10 ** Math.floor(Math.log10(most) + 1e-9);
  const factor = [5, 2, 1].find((each) => each * power <= most * (1 + 1e-9)) ?? 1;
  return { text: lengthText(factor * power), width: (factor * power) / micrometres };
}

/**
 * A length with the unit that makes it short.
 * @param {number} micrometres
 */
export function lengthText(micrometres) {
  const size = Math.abs(micrometres);
  if (size > 0 && size < 0.9999) return `${digits(micrometres * 1000)} nm`;
  if (size >= 999.99) return `${digits(micrometres / 1000)} mm`;
  return `${digits(micrometres)} µm`;
}

/**
 * A number as short as it can be read: whole numbers as they are, others with four digits that count.
 * @param {number} value
 */
export function digits(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "no number" : value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value)) return String(value).replace("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}
