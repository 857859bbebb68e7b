// Dragging a line of the category list to another place.

/** @typedef {{ left: number, top: number, width: number, height: number }} Box */

/** A press becomes a drag after so many pixels. */
const THRESHOLD = 5;
/** So near to its edge the list scrolls, this much a frame. */
const EDGE = 24;
const SCROLL = 6;
const THICK = 2;

/**
 * Where something dropped at a point would go between boxes, one below the other or in several columns.
 * @param {Box[]} boxes   at least one, in their order
 * @param {number} x
 * @param {number} y
 * @returns {{ before: number, line: Box }}   the index of the box before which it goes, and a line that shows it
 */
export function dropPlace(boxes, x, y) {
  const distance = (/** @type {Box} */ box) =>
    Math.hypot(Math.max(box.left - x, 0, x - box.left - box.width), Math.max(box.top - y, 0, y - box.top - box.height));
  const distances = boxes.map(distance);
  const nearest = distances.indexOf(Math.min(...distances));
  const { left, top, width, height } = boxes[nearest];
  const columns = boxes.some((box) => box.left !== boxes[0].left);
  const after = columns ? x > left + width / 2 : y > top + height / 2;
  const line = columns
    ? { left: left + (after ? width : 0) - THICK / 2, top, width: THICK, height }
    : { left, top: top + (after ? height : 0) - THICK / 2, width, height: THICK };
  return { before: nearest + (after ? 1 : 0), line };
}

/**
 * @param {HTMLElement} list    what scrolls; its rows are dragged
 * @param {HTMLElement} line    shows where the row would go; lies beside the list in a positioned parent
 * @param {object} options
 * @param {(target: EventTarget | null) => HTMLElement | null} options.rowAt   the row that a press there would drag
 * @param {() => HTMLElement[]} options.rows   all between which it can go
 * @param {(row: HTMLElement, place: number) => void} options.drop   place: among the others, from 0
 * @returns {{ clicked: () => boolean, close: () => void }}   clicked: whether a click is none of a drag
 */
export function dragToReorder(list, line, { rowAt, rows, drop }) {
  /** @type {{ row: HTMLElement, id: number, x: number, y: number, startX: number, startY: number, before: number, dragging: boolean } | null} */
  let press = null;
  let dragged = false;
  let frame = 0;
  line.hidden = true;

  const cancel = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    document.addEventListener("pointerup", release, { capture: true, once: true });
    end();
  };
  // The click of the same press comes before any timer.
  const release = () => setTimeout(() => (dragged = false));

  const follow = () => {
    if (!press) return;
    const { top, bottom } = list.getBoundingClientRect();
    if (press.y < top + EDGE) list.scrollTop -= SCROLL;
    else if (press.y > bottom - EDGE) list.scrollTop += SCROLL;
    const { before, line: box } = dropPlace(rows().map((row) => row.getBoundingClientRect()), press.x, press.y);
    press.before = before;
    const ground = /** @type {HTMLElement} */ (line.parentElement).getBoundingClientRect();
    const upper = Math.max(top, Math.min(box.top, bottom - THICK));
    line.style.left = `${box.left - ground.left}px`;
    line.style.top = `${upper - ground.top}px`;
    line.style.width = `${box.width}px`;
    line.style.height = `${Math.max(THICK, Math.min(box.top + box.height, bottom) - upper)}px`;
    frame = requestAnimationFrame(follow);
  };

  const begin = () => {
    if (!press) return;
    press.dragging = true;
    list.setPointerCapture(press.id);
    list.classList.add("pxw-dragging");
    press.row.classList.add("pxw-dragged");
    line.hidden = false;
    document.addEventListener("keydown", cancel, true);
    follow();
  };

  const end = () => {
    const former = press;
    press = null;
    if (!former?.dragging) return;
    dragged = true;
    cancelAnimationFrame(frame);
    document.removeEventListener("keydown", cancel, true);
    if (list.hasPointerCapture(former.id)) list.releasePointerCapture(former.id);
    list.classList.remove("pxw-dragging");
    former.row.classList.remove("pxw-dragged");
    line.hidden = true;
  };

  list.addEventListener("pointerdown", (event) => {
    const row = event.button === 0 && event.pointerType !== "touch" ? rowAt(event.target) : null;
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const { clientX: x, clientY: y } = event;
    press = { row, id: event.pointerId, x, y, startX: x, startY: y, before: 0, dragging: false };
  });
  list.addEventListener("pointermove", (event) => {
    if (!press || event.pointerId !== press.id) return;
    if (!(event.buttons & 1)) return end();
    press.x = event.clientX;
    press.y = event.clientY;
    if (!press.dragging && Math.hypot(press.x - press.startX, press.y - press.startY) > THRESHOLD) begin();
  });
  list.addEventListener("pointerup", () => {
    const done = press;
    end();
    if (!done?.dragging) return;
    release();
    const from = rows().indexOf(done.row);
    if (from >= 0) drop(done.row, done.before > from ? done.before - 1 : done.before);
  });
  for (const kind of ["pointercancel", "lostpointercapture"]) {
    list.addEventListener(kind, () => {
      end();
      release();
    });
  }
  return { clicked: () => !dragged, close: end };
}
