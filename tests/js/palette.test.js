import assert from "node:assert/strict";
import { test } from "node:test";
import { colorName, freeColor, inkOn, PALETTE } from "../../piximi_widgets/widgets/labeler/js/categories/color.js";
import { colorsInUse, paletteStep } from "../../piximi_widgets/widgets/labeler/js/categories/palette.js";

/** @typedef {[number, number, number]} Triple */

/** @param {number[]} values @returns {Triple} */
const triple = ([a, b, c]) => [a, b, c];

// Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG 15
// (2009), doi:10.1109/TVCG.2009.113: the published matrices of full severity, for linear RGB.
/** @type {Record<string, Triple[]>} */
const SIGHT = {
  "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** @param {string} color @returns {Triple} */
function linear(color) {
  return triple([1, 3, 5].map((at) => {
    const value = parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }));
}

/** CIE 1976 L*a*b* of linear sRGB under D65. @param {Triple} rgb @returns {Triple} */
function lab([r, g, b]) {
  const [x, y, z] = [
    (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
    0.2126729 * r + 0.7151522 * g + 0.072175 * b,
    (0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883,
  ].map((t) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** @param {string} color @param {string} sight */
function seen(color, sight) {
  const rgb = linear(color);
  return lab(triple(SIGHT[sight].map((row) => Math.min(1, Math.max(0, row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2])))));
}

/**
 * CIEDE2000, as in Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference Formula", Color Research & Application 30 (2005).
 * @param {Triple} one
 * @param {Triple} other
 */
function difference([L1, a1, b1], [L2, a2, b2]) {
  const rad = Math.PI / 180;
  const chroma = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(chroma ** 7 / (chroma ** 7 + 25 ** 7)));
  const [x1, x2] = [a1 * (1 + g), a2 * (1 + g)];
  const [c1, c2] = [Math.hypot(x1, b1), Math.hypot(x2, b2)];
  const hue = (/** @type {number} */ a, /** @type {number} */ b) => (Math.atan2(b, a) / rad + 360) % 360;
  const [h1, h2] = [hue(x1, b1), hue(x2, b2)];
  const grey = c1 * c2 === 0;
  let turn = grey ? 0 : h2 - h1;
  if (turn > 180) turn -= 360;
  if (turn < -180) turn += 360;
  const [dL, dC, dH] = [L2 - L1, c2 - c1, 2 * Math.sqrt(c1 * c2) * Math.sin((turn / 2) * rad)];
  const L = (L1 + L2) / 2;
  const C = (c1 + c2) / 2;
  let h = grey ? h1 + h2 : (h1 + h2) / 2;
  if (!grey && Math.abs(h1 - h2) > 180) h += h < 180 ? 180 : -180;
  const t = 1 - 0.17 * Math.cos((h - 30) * rad) + 0.24 * Math.cos(2 * h * rad) + 0.32 * Math.cos((3 * h + 6) * rad) - 0.2 * Math.cos((4 * h - 63) * rad);
  const sL = 1 + (0.015 * (L - 50) ** 2) / Math.sqrt(20 + (L - 50) ** 2);
  const sC = 1 + 0.045 * C;
  const sH = 1 + 0.015 * C * t;
  const turned = -Math.sin(2 * 30 * Math.exp(-(((h - 275) / 25) ** 2)) * rad) * 2 * Math.sqrt(C ** 7 / (C ** 7 + 25 ** 7));
  return Math.sqrt((dL / sL) ** 2 + (dC / sC) ** 2 + (dH / sH) ** 2 + turned * (dC / sC) * (dH / sH));
}

test("the measure itself: pairs of Sharma's published table", () => {
  /** @type {[Triple, Triple, number][]} */
  const table = [
    [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
    [[50, 2.5, 0], [50, 0, -2.5], 4.3065],
    [[50, 2.5, 0], [73, 25, -18], 27.1492],
    [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644],
    [[90.8027, -2.0831, 1.441], [91.1528, -1.6435, 0.0447], 1.4441],
  ];
  for (const [one, other, expected] of table) assert.ok(Math.abs(difference(one, other) - expected) < 1e-4, `${one} ${other}`);
});

for (const sight of Object.keys(SIGHT)) {
  test(`every two colours of the palette can be told apart with ${sight}`, () => {
    for (const [at, one] of PALETTE.entries()) {
      for (const other of PALETTE.slice(0, at)) {
        const apart = difference(seen(one, sight), seen(other, sight));
        // 2.3 is just noticeable side by side; small, far apart swatches need several times that.
        assert.ok(apart > 10, `${colorName(one)} and ${colorName(other)}: ${apart.toFixed(1)}`);
      }
    }
  });
}

test("the colours that differ to normal eyes only would not pass", () => {
  assert.ok(difference(seen("#d55e00", "protanopia"), seen("#5c8001", "protanopia")) < 5);
});

test("the free colour is one that the fewest categories have, in the palette's order", () => {
  const [first, second, third] = PALETTE;
  assert.equal(freeColor([]), first);
  assert.equal(freeColor([{ color: first }, { color: third }]), second);
  assert.equal(freeColor([{ color: first.toUpperCase() }, { color: "#123456" }]), second);
  const all = PALETTE.map((color) => ({ color }));
  assert.equal(freeColor([...all, { color: first }]), second);
});

test("a colour is called by its name, and ink on it can be read", () => {
  assert.equal(colorName("#D55E00"), "vermilion");
  assert.equal(colorName("#123456"), "#123456");
  assert.equal(new Set(PALETTE.map(colorName)).size, PALETTE.length);
  for (const color of PALETTE) {
    const [r, g, b] = linear(color);
    const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    const contrast = inkOn(color) === "#000000" ? (light + 0.05) / 0.05 : 1.05 / (light + 0.05);
    assert.ok(contrast >= 4.5, `${colorName(color)}: ${contrast.toFixed(1)}`);
  }
});

test("arrows move in the palette's eight columns and stop at its edges", () => {
  assert.equal(paletteStep(0, "ArrowRight", 16), 1);
  assert.equal(paletteStep(1, "ArrowDown", 16), 9);
  assert.equal(paletteStep(9, "ArrowUp", 16), 1);
  assert.equal(paletteStep(1, "ArrowUp", 16), -1);
  assert.equal(paletteStep(15, "ArrowRight", 16), -1);
  assert.equal(paletteStep(7, "Home", 16), 0);
  assert.equal(paletteStep(7, "End", 16), 15);
  assert.equal(paletteStep(7, "x", 16), -1);
});

test("who has a colour is known whatever the capitals", () => {
  const used = colorsInUse([{ name: "a", color: "#D55E00" }, { name: "b", color: "#d55e00" }]);
  assert.deepEqual(used.get("#d55e00"), ["a", "b"]);
});
