"""Cells as a perfect microscope would show them: where their DNA and their actin are, without any noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

REACH = {"interphase": 36, "mitotic": 26, "apoptotic": 22}
"""No cell is drawn farther than this from its center, in pixels."""


class Canvas:
    """The pixels on which a cell is drawn, by their distance from its center.

    Parameters
    ----------
    rows, columns : (H,) and (W,) ndarray of float
        Distances along each axis, in pixels.
    generator : numpy.random.Generator
        Every random property of the cell is drawn from it, in an order that the canvas has no influence on.
    """

    def __init__(self, rows: np.ndarray, columns: np.ndarray, generator: np.random.Generator) -> None:
        self.rows = rows
        self.columns = columns
        self.generator = generator
        angle = generator.uniform(0, 2 * np.pi)
        self.y, self.x = _turned(rows[:, None], columns[None, :], angle)

    def texture(self, shortest: float, longest: float) -> np.ndarray:
        """Smooth random values of mean 0 and standard deviation 1, a sum of waves of these lengths."""
        waves = 10
        length = self.generator.uniform(shortest, longest, waves)
        angle, phase = self.generator.uniform(0, 2 * np.pi, (2, waves))
        down = np.outer(self.rows, 2 * np.pi * np.cos(angle) / length) + phase
        right = np.outer(self.columns, 2 * np.pi * np.sin(angle) / length)
        # cos(a + b), with a matrix product in place of the cosine of every pixel.
        total = np.cos(down) @ np.cos(right).T - np.sin(down) @ np.sin(right).T
        return total * np.sqrt(2 / waves)

    def outline(
        self, radius: float, roughness: float, orders: Sequence[int], *, squeezed: float = 1.0
    ) -> np.ndarray:
        """How far inside a random round outline each pixel lies, in pixels, negative outside of it."""
        y, x = self.y / squeezed, self.x * squeezed
        distance = np.sqrt(y * y + x * x)
        # cos(n angle + phase) is the real part of a power of the direction.
        direction = (x + 1j * y) / np.maximum(distance, 1e-9)
        power, border = np.ones_like(direction), np.ones_like(distance)
        for order in range(1, max(orders) + 1):
            power = power * direction
            if order in orders:
                strength, phase = (
                    self.generator.normal(0, roughness / order),
                    self.generator.uniform(0, 2 * np.pi),
                )
                border += strength * (np.cos(phase) * power.real - np.sin(phase) * power.imag)
        return radius * np.clip(border, 0.5, 1.6) - distance

    def spot(self, y: float, x: float, sigma: float) -> np.ndarray:
        """A Gaussian of height 1; `y` and `x` are along the canvas, whichever way the cell is turned."""
        return np.outer(_ridge(self.rows - y, sigma), _ridge(self.columns - x, sigma))


def draw(kind: str, rows: np.ndarray, columns: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw one cell, turned by a random angle.

    Parameters
    ----------
    kind : {"interphase", "mitotic", "apoptotic"}
    rows, columns : (H,) and (W,) ndarray of float
        Distances of the pixels from the cell's center.
    generator : numpy.random.Generator

    Returns
    -------
    (2, H, W) ndarray of float
        DNA and actin; an interphase nucleus has the brightness 1.
    """
    dna, actin = _KINDS[kind](Canvas(rows, columns, generator))
    return np.stack([np.maximum(dna, 0), np.maximum(actin, 0)])


def _interphase(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """A smooth oval nucleus with nucleoli in a spread cell with stress fibers."""
    random = canvas.generator
    size = np.exp(random.normal(0, 0.12))
    radius = 8.5 * size
    inside = canvas.outline(radius, 0.05, (2, 3, 4), squeezed=np.sqrt(random.uniform(0.68, 0.95)))
    chromatin = 0.55 + 0.45 * np.sqrt(np.clip(inside / radius, 0, 1))
    chromatin *= 1 + 0.16 * canvas.texture(3.5, 9) + 0.1 * canvas.texture(2.2, 3.5)
    for _ in range(random.integers(1, 5)):
        y, x = random.normal(0, 0.38 * radius, 2)
        chromatin *= 1 - random.uniform(0.25, 0.6) * canvas.spot(y, x, random.uniform(0.9, 1.7))
    # Some cells have bright heterochromatin, so that a bright spot alone tells nothing.
    strength = random.uniform(0.3, 1.2)
    for _ in range(random.integers(0, 9) if random.random() < 0.5 else 0):
        y, x = random.normal(0, 0.42 * radius, 2)
        chromatin += strength * canvas.spot(y, x, random.uniform(0.6, 1.1))

    body = canvas.outline(
        random.uniform(17, 24) * size, 0.3, (2, 3, 4, 5), squeezed=np.sqrt(random.uniform(0.62, 0.95))
    )
    height = 0.3 + 0.55 * canvas.spot(0, 0, 1.25 * radius)
    across, _ = _turned(canvas.y, canvas.x, random.normal(0, 0.35))
    wave = (across + 1.6 * canvas.texture(18, 40)) * 2 * np.pi / random.uniform(3.0, 4.6)
    fibers = np.maximum(np.cos(wave), 0) ** 3 * np.maximum(0.6 + 0.6 * canvas.texture(10, 30), 0)
    actin = _edge(body) * (height * (1 + 0.15 * canvas.texture(3, 8)) + random.uniform(0.15, 0.75) * fibers)
    cortex = _ridge(body - 1.2, 1.1) * np.maximum(0.7 + 0.4 * canvas.texture(12, 30), 0)
    return chromatin * _edge(inside), actin + random.uniform(0.3, 0.8) * cortex


def _mitotic(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Condensed chromosomes in a rounded cell: a rosette, a metaphase plate, or two plates that move apart."""
    random = canvas.generator
    size = np.exp(random.normal(0, 0.1))
    y, x = canvas.y / size, canvas.x / size
    ragged = 0.55 * canvas.texture(3, 7)
    stretched = 1.0
    phase = random.random()
    if phase < 0.22:
        ring = np.sqrt((y * random.uniform(0.85, 1)) ** 2 + x * x)
        dna = _edge(size * (2.5 - np.abs(ring - 4.6)) + 1.2 * ragged)
        for _ in range(random.integers(0, 3)):
            dna = dna + 0.8 * _ball(y, x, random.normal(0, 6, 2), 1.6)
    elif phase < 0.67:
        bent = y + random.normal(0, 0.012) * x**2
        dna = _edge(_plate(bent, x, random.uniform(2.0, 3.0), random.uniform(7.5, 10)) * size + ragged)
    else:
        apart = random.uniform(3.6, 8.0)
        half, length = random.uniform(1.7, 2.3), random.uniform(6.0, 8.2)
        inside = [_plate(y - side * (apart - 0.022 * x**2), x, half, length) for side in (-1, 1)]
        dna = _edge(np.maximum(*inside) * size + 0.7 * ragged)
        stretched = 1 + 0.022 * apart
    dna *= 1 + 0.22 * canvas.texture(2.4, 5)

    radius = random.uniform(12.5, 15.5) * size
    body = canvas.outline(radius, 0.04, (2, 3), squeezed=stretched)
    actin = (0.35 + 0.45 * np.sqrt(np.clip(body / radius, 0, 1))) * (1 + 0.12 * canvas.texture(3, 8))
    cortex = _ridge(body - 1.0, 1.15) * np.maximum(1 + 0.3 * canvas.texture(8, 20), 0)
    for _ in range(random.integers(3, 8)):
        # Retraction fibers still hold the cell where it was spread out.
        across, along = _turned(canvas.y, canvas.x, random.uniform(0, 2 * np.pi))
        reach = radius + random.uniform(2, 8)
        cortex += 0.35 * _ridge(across, 0.6) * _edge(along - radius + 1) * _edge(reach - along)
    return dna, actin * _edge(body) + random.uniform(0.5, 1.1) * cortex


def _apoptotic(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """A nucleus in round dense pieces, in a shrunken cell whose membrane blebs."""
    random = canvas.generator
    size = np.exp(random.normal(0, 0.12))
    y, x = canvas.y / size, canvas.x / size
    dna = random.uniform(0, 0.25) * canvas.spot(0, 0, 5)
    pieces: list[tuple[np.ndarray, float]] = []
    for radius in np.sort(np.minimum(np.exp(random.normal(0.75, 0.4, random.integers(5, 12))), 4.2))[::-1]:
        place = random.normal(0, 4.4, 2)
        for _ in range(12):
            if all(np.hypot(*(place - other)) > 0.85 * (radius + its) for other, its in pieces):
                break
            place = random.normal(0, 4.4, 2)
        pieces.append((place, radius))
        dna = np.maximum(dna, random.uniform(0.55, 1.25) * _ball(y, x, place, radius))

    radius = random.uniform(8.5, 12) * size
    body = canvas.outline(radius, 0.22, (2, 3, 4, 5))
    actin = _edge(body) * (0.5 + 0.35 * np.clip(canvas.texture(4, 9), -1, 2)) + 0.3 * _ridge(body - 1, 1.1)
    for _ in range(random.integers(4, 11)):
        angle, bleb = random.uniform(0, 2 * np.pi), random.uniform(1.6, 3.6)
        away = radius + random.uniform(-0.5, 0.8) * bleb
        inside = bleb - np.hypot(canvas.y - away * np.sin(angle), canvas.x - away * np.cos(angle))
        shell = 0.35 * _edge(inside) + 0.75 * _ridge(inside - 0.5, 0.75)
        actin = np.maximum(actin, random.uniform(0.5, 1.1) * shell)
    return dna, actin


_KINDS = {"interphase": _interphase, "mitotic": _mitotic, "apoptotic": _apoptotic}


def _turned(y: np.ndarray, x: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    return np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x


def _edge(inside: np.ndarray) -> np.ndarray:
    """From 0 to 1 over two pixels around the outline."""
    share = np.clip(0.5 + 0.4 * inside, 0, 1)
    return share * share * (3 - 2 * share)


def _ridge(distance: np.ndarray, sigma: float) -> np.ndarray:
    return np.exp(-(distance**2) / (2 * sigma**2))


def _plate(y: np.ndarray, x: np.ndarray, half: float, length: float) -> np.ndarray:
    """How far inside a bar with round ends each pixel lies."""
    return (1 - (y / half) ** 2 - (x / length) ** 4) * half


def _ball(y: np.ndarray, x: np.ndarray, middle: np.ndarray, radius: float) -> np.ndarray:
    """The thickness of a ball, 1 in its middle."""
    return np.sqrt(np.maximum(1 - ((y - middle[0]) ** 2 + (x - middle[1]) ** 2) / radius**2, 0))
