// Which image comes next, when a label moves on to what is still unlabeled.

/**
 * The unlabeled image after the last of some, in the order shown; from the first on when there is none after it. Excluded
 * images need no label.
 * @param {import("./store.js").Store} store
 * @param {Float64Array} targets   the ids that are being labeled
 * @param {Set<number> | null} within   the only ids to look among; null for all that are shown
 * @returns {number | null} its id
 */
export function nextUnlabeled({ selection, visible, category, excluded }, targets, within) {
  const { order } = selection;
  const done = new Set(targets);
  let last = order.length - 1;
  while (last >= 0 && !done.has(order[last])) last--;
  // The viewer may show an image that the filter hides by now; the focus has kept its place.
  if (last < 0) last = selection.focus - 1;
  for (let step = 1; step <= order.length; step++) {
    const index = (last + step) % order.length;
    const row = visible[index];
    const wanted = !category[row] && !excluded[row] && !done.has(order[index]);
    if (wanted && (!within || within.has(order[index]))) return order[index];
  }
  return null;
}
