// One Tab stop for a row of buttons; the arrows go from one to the next.

/**
 * @param {HTMLElement} element
 * @returns {() => void} to be called when buttons came or went
 */
export function rove(element) {
  const all = () =>
    /** @type {HTMLButtonElement[]} */ ([...element.querySelectorAll("button")]).filter((each) => !each.disabled && each.offsetParent !== null);
  let current = /** @type {HTMLButtonElement | null} */ (null);

  const refresh = () => {
    const buttons = /** @type {HTMLButtonElement[]} */ ([...element.querySelectorAll("button")]);
    if (!current || !current.isConnected || current.disabled) current = buttons.find((each) => !each.disabled) ?? null;
    for (const each of buttons) each.tabIndex = each === current ? 0 : -1;
  };
  element.addEventListener("focusin", (event) => {
    if (!(event.target instanceof HTMLButtonElement)) return;
    current = event.target;
    refresh();
  });
  element.addEventListener("keydown", (event) => {
    // Enter and Space press the button, they accept and select no image.
    if (event.key === "Enter" || event.key === " ") event.stopPropagation();
    const slider = event.target instanceof HTMLInputElement;
    if (slider && /^(Arrow|Home|End|Page)/.test(event.key)) event.stopPropagation();
    if (slider || event.ctrlKey || event.metaKey || event.altKey) return;
    const buttons = all();
    const here = buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const target = nextIn(buttons.length, here, event.key);
    if (target < 0) return;
    event.preventDefault();
    event.stopPropagation();
    buttons[target].focus();
  });
  refresh();
  return refresh;
}

/**
 * Where an arrow goes in a row of `count`, round at its ends; -1 for any other key.
 * @param {number} count
 * @param {number} here
 * @param {string} key
 */
export function nextIn(count, here, key) {
  if (here < 0 || !count) return -1;
  if (key === "ArrowRight") return (here + 1) % count;
  if (key === "ArrowLeft") return (here + count - 1) % count;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  return -1;
}
