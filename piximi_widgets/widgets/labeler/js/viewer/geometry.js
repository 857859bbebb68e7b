// Where an image lies on the canvas. All lengths on the canvas are device pixels, so that 100 % means one to one.

/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ x: number, y: number }} Point */
/** @typedef {{ top: number, left: number, height: number, width: number }} Region   in pixels of the image */

/**
 * What is seen: pixels of the canvas for one of the image, and the place in the image that is in the middle.
 * @typedef {{ scale: number, x: number, y: number }} View
 */

export const LARGEST_SCALE = 64;

/**
 * The scale with which the whole image is seen, as large as it can be.
 * @param {Size} image
 * @param {Size} canvas
 */
export function fitScale(image, canvas) {
  return Math.min(canvas.width / image.width, canvas.height / image.height, LARGEST_SCALE);
}

/**
 * @param {Size} image
 * @param {Size} canvas
 * @returns {View}
 */
export function fitted(image, canvas) {
  return { scale: fitScale(image, canvas), x: image.width / 2, y: image.height / 2 };
}

/**
 * The nearest view that shows no emptiness beside an image that is larger than the canvas, and a smaller one in the middle.
 * @param {View} view
 * @param {Size} image
 * @param {Size} canvas
 * @returns {View}
 */
export function clampView(view, image, canvas) {
  const scale = Math.min(LARGEST_SCALE, Math.max(view.scale, Math.min(1, fitScale(image, canvas))));
  /** @param {number} center @param {number} length @param {number} room */
  const inside = (center, length, room) => {
    const half = room / scale / 2;
    return 2 * half >= length ? length / 2 : Math.min(Math.max(center, half), length - half);
  };
  return { scale, x: inside(view.x, image.width, canvas.width), y: inside(view.y, image.height, canvas.height) };
}

/**
 * @param {View} view
 * @param {Size} canvas
 * @param {Point} point   on the canvas
 * @returns {Point} in the image; the first pixel reaches from 0 to 1
 */
export function toImage(view, canvas, point) {
  return { x: view.x + (point.x - canvas.width / 2) / view.scale, y: view.y + (point.y - canvas.height / 2) / view.scale };
}

/**
 * @param {View} view
 * @param {Size} canvas
 * @param {Point} place   in the image
 * @returns {Point} on the canvas
 */
export function toCanvas(view, canvas, place) {
  return { x: (place.x - view.x) * view.scale + canvas.width / 2, y: (place.y - view.y) * view.scale + canvas.height / 2 };
}

/**
 * Change the scale while what is under a point of the canvas stays there, as far as `clampView` lets it.
 * @param {View} view
 * @param {number} scale
 * @param {Point} point
 * @param {Size} image
 * @param {Size} canvas
 * @returns {View}
 */
export function zoomAround(view, scale, point, image, canvas) {
  const place = toImage(view, canvas, point);
  const next = clampView({ ...view, scale }, image, canvas).scale;
  const x = place.x - (point.x - canvas.width / 2) / next;
  const y = place.y - (point.y - canvas.height / 2) / next;
  return clampView({ scale: next, x, y }, image, canvas);
}

/**
 * Move the image by pixels of the canvas.
 * @param {View} view
 * @param {Point} by
 * @param {Size} image
 * @param {Size} canvas
 * @returns {View}
 */
export function pan(view, by, image, canvas) {
  return clampView({ scale: view.scale, x: view.x - by.x / view.scale, y: view.y - by.y / view.scale }, image, canvas);
}

/**
 * The next scale of a ladder of powers of the square root of two; 1 is a rung.
 * @param {number} scale
 * @param {1 | -1} direction
 */
export function nextScale(scale, direction) {
  const rung = 2 * Math.log2(scale);
  const next = direction > 0 ? Math.floor(rung + 1e-6) + 1 : Math.ceil(rung - 1e-6) - 1;
  return 2 ** (next / 2);
}

/**
 * The pixels of the image that are seen, in whole pixels.
 * @param {View} view
 * @param {Size} image
 * @param {Size} canvas
 * @returns {Region}
 */
export function seenRegion(view, image, canvas) {
  const first = toImage(view, canvas, { x: 0, y: 0 });
  const last = toImage(view, canvas, { x: canvas.width, y: canvas.height });
  const left = Math.max(0, Math.floor(first.x));
  const top = Math.max(0, Math.floor(first.y));
  const right = Math.min(image.width, Math.ceil(last.x));
  const bottom = Math.min(image.height, Math.ceil(last.y));
  return { top, left, height: Math.max(0, bottom - top), width: Math.max(0, right - left) };
}
