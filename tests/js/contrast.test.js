import assert from "node:assert/strict";
import { test } from "node:test";
import { inkOn, PALETTE } from "../../piximi_widgets/widgets/labeler/js/categories/color.js";

/** Relative luminance as WCAG 2 defines it. @param {string} color */
function luminance(color) {
  const linear = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

test("the small letters of a tile can be read on any category's colour", () => {
  const steps = ["00", "33", "66", "80", "99", "cc", "ff"];
  const cube = steps.flatMap((red) => steps.flatMap((green) => steps.map((blue) => `#${red}${green}${blue}`)));
  for (const color of [...PALETTE, ...cube]) {
    const [dark, light] = [luminance(color), luminance(inkOn(color))].sort((one, other) => one - other);
    assert.ok((light + 0.05) / (dark + 0.05) >= 4.5, color);
  }
});
