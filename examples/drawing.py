"""A canvas for small pictures in plain Python: rectangles, smooth lines, text, grey images, charts; saved as PNG."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (33, 37, 41)
GREY: Colour = (134, 142, 150)
PALE: Colour = (228, 231, 235)
BLUE: Colour = (28, 110, 190)
GREEN: Colour = (34, 139, 70)
RED: Colour = (208, 44, 44)
ORANGE: Colour = (224, 122, 20)

# Five columns a letter, from left to right; a column's lowest bit is the top row, its highest hangs below the line.
_FONT = {
    " ": "0000000000", "!": "00005f0000", "%": "2313086462", "'": "0000070000", "(": "001c224100",
    ")": "0041221c00", "+": "08083e0808", ",": "0080600000", "-": "0008080800", ".": "0060600000",
    "/": "2010080402", "0": "3e5149453e", "1": "00427f4000", "2": "4261514946", "3": "2141454b31",
    "4": "1814127f10", "5": "2745454539", "6": "3c4a494930", "7": "0171090503", "8": "3649494936",
    "9": "064949291e", ":": "0036360000", "=": "1414141414", "?": "0201510906", "A": "7e1111117e",
    "B": "7f49494936", "C": "3e41414122", "D": "7f4141221c", "E": "7f49494941", "F": "7f09090901",
    "G": "3e41495932", "H": "7f0808087f", "I": "00417f4100", "J": "2040413f01", "K": "7f08142241",
    "L": "7f40404040", "M": "7f020c027f", "N": "7f0408107f", "O": "3e4141413e", "P": "7f09090906",
    "Q": "3e4151215e", "R": "7f09192946", "S": "4649494931", "T": "01017f0101", "U": "3f4040403f",
    "V": "1f2040201f", "W": "3f4038403f", "X": "6314081463", "Y": "0708700807", "Z": "6151494543",
    "a": "2054545478", "b": "7f48444438", "c": "3844444428", "d": "384444487f", "e": "3854545418",
    "f": "087e090102", "g": "18a4a4a47c", "h": "7f08040478", "i": "00447d4000", "j": "4080847d00",
    "k": "007f102844", "l": "00417f4000", "m": "7c04180478", "n": "7c08040478", "o": "3844444438",
    "p": "fc24242418", "q": "18242424fc", "r": "7c08040408", "s": "4854545424", "t": "043f444020",
    "u": "3c4040207c", "v": "1c2040201c", "w": "3c4030403c", "x": "4428102844", "y": "1ca0a0a07c",
    "z": "4464544c44",
}  # fmt: skip


class Canvas:
    """A picture of `width x height` coloured dots; (0, 0) is the upper left corner.

    >>> canvas = Canvas(200, 100)
    >>> canvas.text(10, 10, "a line", BLUE)
    >>> canvas.line(10, 40, 190, 90, ORANGE, width=3)
    >>> canvas.save("line.png")
    """

    def __init__(self, width: int, height: int, background: Colour = WHITE) -> None:
        self.width, self.height = width, height
        self._dots = bytearray(bytes(background) * (width * height))

    def _blend(self, x: int, y: int, colour: Colour, cover: float) -> None:
        """Cover a part of one dot."""
        if 0 <= x < self.width and 0 <= y < self.height:
            at = 3 * (y * self.width + x)
            for i, value in enumerate(colour, at):
                self._dots[i] += round((value - self._dots[i]) * cover)

    def rectangle(self, x: int, y: int, width: int, height: int, colour: Colour) -> None:
        """Fill a rectangle; what lies outside the picture is left away."""
        left, right = max(x, 0), min(x + width, self.width)
        for row in range(max(y, 0), min(y + height, self.height)):
            start = 3 * (row * self.width + left)
            self._dots[start : start + 3 * (right - left)] = bytes(colour) * (right - left)

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, width: float = 1) -> None:
        """Draw a line with round ends: a dot is covered by how far it lies inside."""
        reach = width / 2 + 0.5
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy or 1.0
        for y in range(math.floor(min(y0, y1) - reach), math.ceil(max(y0, y1) + reach) + 1):
            for x in range(math.floor(min(x0, x1) - reach), math.ceil(max(x0, x1) + reach) + 1):
                along = min(1.0, max(0.0, ((x - x0) * dx + (y - y0) * dy) / length))
                distance = math.hypot(x - x0 - along * dx, y - y0 - along * dy)
                if distance < reach:
                    self._blend(x, y, colour, min(1.0, reach - distance))

    def text(self, x: int, y: int, text: str, colour: Colour = BLACK, scale: int = 2, align: str = "left") -> None:
        """Write one line; (x, y) is its upper `left` or `right` corner, or its top `centre`."""
        x -= {"left": 0, "centre": text_width(text, scale) // 2, "right": text_width(text, scale)}[align]
        for letter in text:
            for column, bits in enumerate(bytes.fromhex(_FONT.get(letter, _FONT["?"]))):
                for row in range(8):
                    if bits >> row & 1:
                        self.rectangle(x + column * scale, y + row * scale, scale, scale, colour)
            x += 6 * scale

    def image(self, x: int, y: int, rows: Sequence[Sequence[int]], scale: int = 1) -> None:
        """Put a grey image (0 is black, 255 white) here, every dot of it `scale` dots wide and high."""
        for r, row in enumerate(rows):
            line = b"".join(bytes((value,)) * (3 * scale) for value in row)
            for i in range(scale):
                start = 3 * ((y + r * scale + i) * self.width + x)
                self._dots[start : start + len(line)] = line

    def save(self, path: str | Path) -> None:
        """Write the picture as a PNG file."""
        stride = 3 * self.width
        rows = (b"\0" + self._dots[i : i + stride] for i in range(0, len(self._dots), stride))
        header = struct.pack(">2I5B", self.width, self.height, 8, 2, 0, 0, 0)
        parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b"")
        with open(path, "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
            for kind, data in parts:
                file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def text_width(text: str, scale: int = 2) -> int:
    """How many dots wide a line of text is."""
    return max(0, 6 * len(text) - 1) * scale


def ticks(low: float, high: float, count: int = 6) -> list[float]:
    """About `count` round numbers from `low` to `high`, 1, 2 or 5 times a power of ten apart.

    >>> ticks(0, 20)
    [0, 5, 10, 15, 20]
    """
    rough = (high - low) / count or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(size for size in (1, 2, 5, 10) if size * power >= rough * 0.8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def chart(
    canvas: Canvas,
    box: tuple[int, int, int, int],
    xs: Sequence[float],
    ys: Sequence[float],
    *,
    title: str,
    x_label: str,
    colour: Colour,
    y_range: tuple[float, float],
    y_text: Callable[[float], str] = "{:g}".format,
) -> None:
    """Draw a curve with axes, ticks and labels into `box` (left, top, width, height).

    The title above says what the vertical axis measures; the last point is marked with its value.
    """
    left, top, width, height = box
    plot_left, plot_top, plot_right, plot_bottom = left + 70, top + 44, left + width - 24, top + height - 58
    (x_low, x_high), (y_low, y_high) = (min(xs), max(xs)), y_range

    def across(x: float) -> float:
        return plot_left + (x - x_low) / (x_high - x_low or 1.0) * (plot_right - plot_left)

    def up(y: float) -> float:
        return plot_bottom - (y - y_low) / (y_high - y_low or 1.0) * (plot_bottom - plot_top)

    canvas.text(plot_left, top, title, colour)
    for y in ticks(y_low, y_high):
        at = round(up(y))
        canvas.rectangle(plot_left, at, plot_right - plot_left, 1, PALE)
        canvas.rectangle(plot_left - 6, at, 6, 1, GREY)
        canvas.text(plot_left - 12, at - 7, y_text(y), align="right")
    for x in ticks(x_low, x_high):
        at = round(across(x))
        canvas.rectangle(at, plot_bottom, 1, 6, GREY)
        canvas.text(at, plot_bottom + 12, f"{x:g}", align="centre")
    canvas.rectangle(plot_left, plot_top - 8, 1, plot_bottom - plot_top + 8, GREY)
    canvas.rectangle(plot_left, plot_bottom, plot_right - plot_left + 1, 1, GREY)
    canvas.text((plot_left + plot_right) // 2, plot_bottom + 38, x_label, align="centre")

    points = [(across(x), up(y)) for x, y in zip(xs, ys, strict=True)]
    for (x0, y0), (x1, y1) in pairwise(points):
        canvas.line(x0, y0, x1, y1, colour, width=2.5)
    for x, y in points:
        canvas.line(x, y, x, y, colour, width=7)
    # The last value stands on the side of its point where the curve does not run, if there is room.
    x, y = points[-1]
    curve_is_above = len(points) > 1 and points[-2][1] < y
    below = curve_is_above and y + 30 < plot_bottom
    place = y + 14 if below else y - 28
    align = "right" if len(points) > 1 else "left"
    canvas.text(round(x) + (0 if align == "right" else 8), round(place), y_text(ys[-1]), colour, align=align)
