"""Downloading a file from the first mirror that has it whole."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_CHUNK = 1 << 18


def md5_of(path: str) -> str:
    """The MD5 checksum of a file."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def replacing(path: str) -> Iterator[Any]:
    """A file to write that takes the place of `path` only when the block ends well; else nothing is left."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=os.path.basename(path), suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


class _Progress:
    """A line on the error stream that says how far a download is."""

    def __init__(self, name: str, total: int | None) -> None:
        self.name, self.total, self.done, self.shown = name, total, 0, -1
        self.bar: Any = None
        try:
            from tqdm import tqdm  # type: ignore[import-untyped, import-not-found, unused-ignore]

            self.bar = tqdm(total=total, unit="B", unit_scale=True, desc=name)
        except ImportError:
            pass

    def add(self, count: int) -> None:
        if self.bar is not None:
            self.bar.update(count)
            return
        self.done += count
        percent = 100 * self.done // self.total if self.total else self.done >> 20
        if percent != self.shown:
            self.shown = percent
            sys.stderr.write(f"\r{self.name}: {percent}{'%' if self.total else ' MB'}")
            sys.stderr.flush()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
        else:
            sys.stderr.write("\n")


def _fetch(url: str, path: str, md5: str) -> None:
    """Download one URL to `path`; an error leaves nothing."""
    from urllib.request import Request, urlopen

    request = Request(url, headers={"User-Agent": "flambeau"})
    with urlopen(request, timeout=60) as response, replacing(path) as file:
        length = response.headers.get("Content-Length")
        total = int(length) if length and length.isdigit() else None
        progress = _Progress(os.path.basename(path), total)
        digest = hashlib.md5(usedforsecurity=False)
        received = 0
        try:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                digest.update(chunk)
                received += len(chunk)
                progress.add(len(chunk))
        finally:
            progress.close()
        if total is not None and received != total:
            raise RuntimeError(f"the connection ended after {received} of {total} bytes")
        if digest.hexdigest() != md5:
            raise RuntimeError(f"File not found or corrupted: MD5 is {digest.hexdigest()}, expected {md5}")


def download(mirrors: list[str], filename: str, folder: str, md5: str) -> str:
    """Have `filename` in `folder`, from the first mirror that gives it with the right checksum; returns its path."""
    from http.client import HTTPException

    path = os.path.join(folder, filename)
    if os.path.isfile(path) and md5_of(path) == md5:
        return path
    tried = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{filename}"
        try:
            _fetch(url, path, md5)
            return path
        except (OSError, RuntimeError, HTTPException, ValueError) as error:  # URLError is an OSError
            tried.append(f"Tried {url}, got:\n{error or type(error).__name__}\n")
    raise RuntimeError(f"Error downloading {filename}:\n" + "".join(tried))
