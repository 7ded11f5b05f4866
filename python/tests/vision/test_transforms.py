"""Transforms and images."""

import struct
import zlib

import flambeau
import pytest
from flambeau.vision import transforms as T, utils
from flambeau.vision.image import Image, png_bytes


def grey() -> Image:
    return Image("L", (3, 2), bytes([0, 51, 102, 153, 204, 255]))


def test_to_tensor() -> None:
    tensor = T.ToTensor()(grey())
    assert tensor.shape == (1, 2, 3) and tensor.dtype == flambeau.float32
    assert flambeau.allclose(tensor.flatten(), flambeau.arange(6) / 5)
    colour = T.PILToTensor()(Image("RGB", (1, 2), bytes(range(6))))
    assert colour.tolist() == [[[0], [3]], [[1], [4]], [[2], [5]]] and colour.dtype == flambeau.uint8
    with pytest.raises(TypeError, match="pic should be PIL Image or ndarray. Got <class 'str'>"):
        T.ToTensor()("x")


def test_to_tensor_of_arrays() -> None:
    np = pytest.importorskip("numpy")
    assert T.ToTensor()(np.full((2, 3), 255, np.uint8)).tolist() == [[[1.0] * 3] * 2]
    assert T.ToTensor()(np.zeros((2, 3, 4), np.float64)).dtype == flambeau.float64
    with pytest.raises(ValueError, match="pic should be 2/3 dimensional. Got 1 dimensions."):
        T.ToTensor()(np.zeros(3))


def test_to_image_and_back() -> None:
    pixels = (flambeau.rand(3, 4, 5) * 255).to(flambeau.uint8)
    image = T.ToPILImage()(pixels)
    assert image.mode == "RGB" and image.size == (5, 4)
    assert (T.PILToTensor()(image) == pixels).all()
    with pytest.raises(ValueError, match="pic should not have > 4 channels. Got 5 channels."):
        T.ToPILImage()(flambeau.ones(5, 1, 1))
    with pytest.raises(ValueError, match="Incorrect mode"):
        T.ToPILImage("RGB")(flambeau.ones(1, 1, 1))


def test_normalize() -> None:
    image = flambeau.tensor([[[0.0, 1.0]], [[2.0, 4.0]]])
    assert T.Normalize((0.5, 2.0), (0.5, 2.0))(image).tolist() == [[[-1.0, 1.0]], [[0.0, 1.0]]]
    assert image[0, 0, 0].item() == 0.0
    T.Normalize([0.5, 2.0], [0.5, 2.0], inplace=True)(image)
    assert image[0, 0, 0].item() == -1.0
    with pytest.raises(ValueError, match="std evaluated to zero"):
        T.Normalize((0.0,), (0.0,))(image)
    with pytest.raises(TypeError, match="Input tensor should be a float tensor. Got torch.int64."):
        T.Normalize((0.0,), (1.0,))(flambeau.ones(1, 1, 1, dtype=flambeau.int64))
    with pytest.raises(ValueError, match="Expected tensor to be a tensor image of size"):
        T.Normalize((0.0,), (1.0,))(flambeau.ones(2, 2))


def test_normalize_sees_a_changed_list() -> None:
    mean = [0.0]
    transform = T.Normalize(mean, [1.0])
    transform(flambeau.ones(1, 1, 1))
    mean[0] = 1.0
    assert transform(flambeau.ones(1, 1, 1)).item() == 0.0


def test_repr() -> None:
    both = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,)), T.Lambda(abs)])
    assert repr(both) == "Compose(\n    ToTensor()\n    Normalize(mean=(0.5,), std=(0.5,))\n    Lambda()\n)"
    assert repr(T.Resize(3)) == "Resize(size=3, interpolation=bilinear, max_size=None, antialias=True)"
    with pytest.raises(TypeError, match="Argument lambd should be callable, got 'int'"):
        T.Lambda(3)


def test_geometry() -> None:
    ramp = flambeau.arange(12.0).reshape(1, 3, 4)
    assert T.CenterCrop(2)(ramp).tolist() == [[[1.0, 2.0], [5.0, 6.0]]]
    assert T.RandomHorizontalFlip(1.0)(ramp)[0, 0].tolist() == [3.0, 2.0, 1.0, 0.0]
    assert T.RandomVerticalFlip(0.0)(ramp) is ramp
    assert T.Pad(1)(ramp).shape == (1, 5, 6) and T.RandomCrop(2, padding=1)(ramp).shape == (1, 2, 2)
    assert T.Resize((6, 8), interpolation=T.InterpolationMode.NEAREST)(ramp)[0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert T.Resize(6)(grey()).size == (9, 6)
    with pytest.raises(ValueError, match="is larger than input image size"):
        T.RandomCrop(9)(ramp)


def test_image_object() -> None:
    image = grey()
    assert (image.size, image.mode, image.getbands(), image.getpixel((1, 1))) == ((3, 2), "L", ("L",), 204)
    assert image.convert("RGB").tobytes()[:6] == bytes([0, 0, 0, 51, 51, 51])
    assert image.convert("RGB").convert("L") == image
    assert image.crop((1, 1, 4, 2)).tobytes() == bytes([204, 255, 0])
    with pytest.raises(ValueError, match="has 6 bytes, got 1"):
        Image("L", (3, 2), b"x")


def test_image_as_array() -> None:
    np = pytest.importorskip("numpy")
    assert np.asarray(grey()).tolist() == [[0, 51, 102], [153, 204, 255]]


def test_png() -> None:
    data = png_bytes(Image("RGB", (2, 1), bytes(range(6))))
    assert data.startswith(b"\x89PNG") and struct.unpack(">II", data[16:24]) == (2, 1)
    start = data.index(b"IDAT")
    length = struct.unpack(">I", data[start - 4 : start])[0]
    assert zlib.decompress(data[start + 4 : start + 4 + length]) == b"\0" + bytes(range(6))


def test_grid(tmp_path) -> None:
    grid = utils.make_grid(flambeau.ones(3, 1, 2, 2), nrow=2, padding=1, pad_value=0.5)
    assert grid.shape == (3, 7, 7) and grid[0, 0, 0].item() == 0.5 and grid[0, 1, 1].item() == 1.0
    assert utils.make_grid(flambeau.tensor([[2.0, 4.0]]), normalize=True)[0].tolist() == [[0.0, 1.0]]
    utils.save_image(flambeau.rand(3, 4, 4), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
