"""MNIST: reading, batches, and downloads from a server on this machine."""

import functools
import gzip
import hashlib
import http.server
import struct
import threading

import flambeau
import pytest
from flambeau.utils.data import DataLoader
from flambeau.vision import datasets, transforms


def packed(dims, data: bytes) -> bytes:
    header = bytes([0, 0, 8, len(dims)]) + struct.pack(f">{len(dims)}I", *dims)
    return gzip.compress(header + data, mtime=0)


FILES = {
    "train-images-idx3-ubyte.gz": packed((3, 2, 2), bytes(range(0, 240, 20))),
    "train-labels-idx1-ubyte.gz": packed((3,), bytes([7, 0, 9])),
    "t10k-images-idx3-ubyte.gz": packed((1, 2, 2), bytes(4)),
    "t10k-labels-idx1-ubyte.gz": packed((1,), bytes([1])),
}


class MNIST(datasets.MNIST):
    """The dataset with small files."""

    resources = [(name, hashlib.md5(data).hexdigest()) for name, data in FILES.items()]


class Handler(http.server.SimpleHTTPRequestHandler):
    cut = False

    def do_GET(self) -> None:
        if not self.cut:
            return super().do_GET()
        name = self.path.rsplit("/", 1)[-1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(FILES[name])))
        self.end_headers()
        self.wfile.write(FILES[name][:-5])
        return None

    def log_message(self, *args) -> None:
        pass


class CutHandler(Handler):
    cut = True


@pytest.fixture
def serve(tmp_path):
    """Start servers: `serve(files, cut)` returns a URL."""
    servers = []

    def start(files, cut=False) -> str:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        handler = functools.partial(CutHandler if cut else Handler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mirrors(monkeypatch):
    return lambda *urls: monkeypatch.setenv("FLAMBEAU_MNIST_MIRRORS", ",".join(urls))


def left_in(root) -> set[str]:
    raw = root / "MNIST" / "raw"
    return {path.name for path in raw.iterdir()} if raw.exists() else set()


def test_download_and_contents(tmp_path, serve, mirrors) -> None:
    mirrors(serve(FILES))
    data = MNIST(str(tmp_path), download=True)
    assert data.data.shape == (3, 2, 2) and data.data.dtype == flambeau.uint8
    assert data.targets.tolist() == [7, 0, 9] and data.targets.dtype == flambeau.int64
    image, target = data[1]
    assert image.size == (2, 2) and image.mode == "L" and image.tobytes() == bytes([80, 100, 120, 140]) and target == 0
    assert len(MNIST(str(tmp_path), train=False)) == 1
    assert repr(data) == f"Dataset MNIST\n    Number of datapoints: 3\n    Root location: {tmp_path}\n    Split: Train"
    assert data.class_to_idx["9 - nine"] == 9
    assert left_in(tmp_path) == {*FILES, *(name.removesuffix(".gz") for name in FILES)}


def test_second_mirror_after_404(tmp_path, serve, mirrors) -> None:
    mirrors(serve({}), serve(FILES))
    assert len(MNIST(str(tmp_path), download=True)) == 3


def test_broken_file_is_not_kept(tmp_path, serve, mirrors) -> None:
    url = serve({name: data[:-1] + b"x" for name, data in FILES.items()})
    mirrors(url)
    with pytest.raises(RuntimeError) as error:
        MNIST(str(tmp_path), download=True)
    message = str(error.value)
    assert "Error downloading train-images-idx3-ubyte.gz" in message and "corrupted" in message
    assert f"Tried {url}train-images-idx3-ubyte.gz" in message
    assert left_in(tmp_path) == set()


def test_cut_connection_is_told(tmp_path, serve, mirrors) -> None:
    mirrors(serve(FILES, cut=True))
    with pytest.raises(RuntimeError, match="the connection ended after"):
        MNIST(str(tmp_path), download=True)
    assert left_in(tmp_path) == set()


def test_no_network(tmp_path, mirrors) -> None:
    mirrors("http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/")
    with pytest.raises(RuntimeError) as error:
        MNIST(str(tmp_path), download=True)
    assert "Tried http://127.0.0.1:9/a/train" in str(error.value)
    assert "Tried http://127.0.0.1:9/b/train" in str(error.value) and "refused" in str(error.value)


def test_nothing_there(tmp_path) -> None:
    with pytest.raises(RuntimeError, match="Dataset not found. You can use download=True to download it"):
        MNIST(str(tmp_path))


def test_files_already_there_need_no_server(tmp_path, mirrors) -> None:
    mirrors("http://127.0.0.1:9/")
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, data in FILES.items():
        (raw / name).write_bytes(data)
    assert len(MNIST(str(tmp_path))) == 3  # packed files are read as they are
    (raw / "train-images-idx3-ubyte").write_bytes(b"half")  # left by another program
    assert len(MNIST(str(tmp_path), download=True)) == 3


def test_whole_batches_equal_single_samples(tmp_path, serve, mirrors) -> None:
    mirrors(serve(FILES))
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    data = MNIST(str(tmp_path), download=True, transform=transform)
    images, targets = next(iter(DataLoader(data, batch_size=3)))
    assert (images == flambeau.stack([data[i][0] for i in range(3)])).all() and targets.tolist() == [7, 0, 9]
    data.target_transform = lambda t: t + 1
    assert next(iter(DataLoader(data, batch_size=3)))[1].tolist() == [8, 1, 10]


def test_fake_data() -> None:
    data = datasets.FakeData(size=2, image_size=(3, 4, 5), transform=transforms.ToTensor())
    assert data[0][0].shape == (3, 4, 5) and (data[1][0] == data[1][0]).all()
    with pytest.raises(IndexError, match="FakeData index out of range"):
        data[2]
