"""A small image, for where Pillow is not installed, and the one place that asks whether it is."""

from __future__ import annotations

import struct
import zlib
from typing import Any

_pil: Any = None
_MODES = {"1": ("|b1", 1), "L": ("|u1", 1), "LA": ("|u1", 2), "RGB": ("|u1", 3), "RGBA": ("|u1", 4)}
_MODES.update({"I": ("<i4", 1), "F": ("<f4", 1), "I;16": ("<u2", 1), "HSV": ("|u1", 3), "YCbCr": ("|u1", 3)})
_MODES.update({"CMYK": ("|u1", 4), "RGBX": ("|u1", 4)})


def pillow() -> Any:
    """The module PIL.Image, or None without Pillow."""
    global _pil
    if _pil is None:
        try:
            from PIL import Image as found  # type: ignore[import-not-found, unused-ignore]

            _pil = found
        except ImportError:
            _pil = False
    return _pil or None


def is_image(value: Any) -> bool:
    """Whether a value is a Pillow image or one of ours."""
    if isinstance(value, Image):
        return True
    pil = pillow()
    return pil is not None and isinstance(value, pil.Image)


def make_image(mode: str, size: tuple[int, int], data: bytes) -> Any:
    """An image from its bytes, row by row: Pillow's where it is installed."""
    pil = pillow()
    return Image(mode, size, data) if pil is None else pil.frombytes(mode, size, data)


class Image:
    """An image in memory: `size` is (width, height), `mode` as Pillow names it.

    >>> Image("L", (2, 1), bytes([0, 255])).tobytes()
    b'\\x00\\xff'
    """

    format = None

    def __init__(self, mode: str, size: tuple[int, int], data: bytes) -> None:
        if mode not in _MODES:
            raise ValueError(f"unrecognized image mode {mode!r}")
        kind, bands = _MODES[mode]
        expected = size[0] * size[1] * bands * int(kind[2:])
        if len(data) != expected:
            raise ValueError(f"a {mode} image of size {size} has {expected} bytes, got {len(data)}")
        self.mode = mode
        self.size = (int(size[0]), int(size[1]))
        self._data = bytes(data)

    @property
    def width(self) -> int:
        """Columns."""
        return self.size[0]

    @property
    def height(self) -> int:
        """Rows."""
        return self.size[1]

    def getbands(self) -> tuple[str, ...]:
        """The names of the channels."""
        return ("Y", "Cb", "Cr") if self.mode == "YCbCr" else tuple(self.mode) if self.mode != "I;16" else ("I",)

    def tobytes(self) -> bytes:
        """The pixels, row by row."""
        return self._data

    @property
    def __array_interface__(self) -> dict[str, Any]:
        kind, bands = _MODES[self.mode]
        shape = (self.height, self.width) if bands == 1 else (self.height, self.width, bands)
        return {"shape": shape, "typestr": kind, "data": self._data, "version": 3}

    def getpixel(self, xy: tuple[int, int]) -> Any:
        """The value at (x, y): a number, or a tuple with several bands."""
        kind, bands = _MODES[self.mode]
        width = int(kind[2:])
        start = (xy[1] * self.width + xy[0]) * bands * width
        code = {"|b1": "?", "|u1": "B", "<i4": "<i", "<f4": "<f", "<u2": "<H"}[kind]
        values = tuple(struct.unpack_from(code, self._data, start + i * width)[0] for i in range(bands))
        return values[0] if bands == 1 else values

    def copy(self) -> Image:
        """The same image again."""
        return Image(self.mode, self.size, self._data)

    def convert(self, mode: str) -> Image:
        """The image in another mode, among L, RGB and RGBA."""
        if mode == self.mode:
            return self.copy()
        if self.mode == "1":
            return Image("L", self.size, bytes(255 if v else 0 for v in self._data)).convert(mode)
        known = ("L", "LA", "RGB", "RGBA")
        if self.mode not in known or mode not in known:
            raise ValueError(f"conversion from {self.mode} to {mode} not supported")
        bands, data, count = self.getbands(), self._data, self.width * self.height
        step = len(bands)
        planes = {band: data[i::step] for i, band in enumerate(bands)}
        planes.setdefault("A", b"\xff" * count)
        if mode in ("L", "LA") and "L" not in planes:  # the weights of ITU-R 601-2, as Pillow rounds them
            pixels = zip(planes["R"], planes["G"], planes["B"], strict=True)
            planes["L"] = bytes((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16 for r, g, b in pixels)
        joined = bytearray(count * len(mode))
        for i, band in enumerate(mode):
            joined[i :: len(mode)] = planes.get(band) or planes["L"]
        return Image(mode, self.size, bytes(joined))

    def crop(self, box: tuple[int, int, int, int]) -> Image:
        """The part between (left, upper) and (right, lower); outside the image it is 0."""
        left, upper, right, lower = box
        kind, bands = _MODES[self.mode]
        pixel = bands * int(kind[2:])
        rows = bytearray()
        for y in range(upper, lower):
            if not 0 <= y < self.height:
                rows += bytes((right - left) * pixel)
                continue
            start = y * self.width * pixel
            inside = self._data[start + max(left, 0) * pixel : start + min(right, self.width) * pixel]
            rows += bytes(max(-left, 0) * pixel) + inside
            rows += bytes((right - left) * pixel * (y - upper + 1) - len(rows))
        return Image(self.mode, (right - left, lower - upper), bytes(rows))

    def save(self, fp: Any, format: str | None = None, **params: Any) -> None:
        """Write a PNG to a path or a file."""
        data = png_bytes(self)
        if hasattr(fp, "write"):
            fp.write(data)
        else:
            with open(fp, "wb") as file:
                file.write(data)

    def show(self, title: str | None = None) -> None:
        """Open the image in the viewer of the system."""
        import tempfile
        import webbrowser

        with tempfile.NamedTemporaryFile(suffix=".png", delete=False) as file:
            file.write(png_bytes(self))
        webbrowser.open(f"file://{file.name}")

    def _repr_png_(self) -> bytes:
        return png_bytes(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Image):
            return NotImplemented
        return (self.mode, self.size, self._data) == (other.mode, other.size, other._data)

    def __repr__(self) -> str:
        return f"<flambeau.vision.image.Image mode={self.mode} size={self.width}x{self.height}>"


def png_bytes(image: Image) -> bytes:
    """The image as a PNG file."""
    kinds = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
    if image.mode not in kinds:
        image = image.convert("L" if image.mode == "1" else "RGB")
    width, height = image.size
    stride = width * len(image.getbands())
    data = image.tobytes()
    rows = b"".join(b"\0" + data[y * stride : (y + 1) * stride] for y in range(height))

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, kinds[image.mode], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
