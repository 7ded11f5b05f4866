"""The pieces of work that are timed, each written once, for any library with PyTorch's names.

A piece takes the library and gives a function to time. What the function returns is compared between the libraries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Work = Callable[[Any], Callable[[], Any]]

WORK: dict[str, Work] = {}


def work(name: str) -> Callable[[Work], Work]:
    """Enter a piece under a name."""

    def enter(make: Work) -> Work:
        WORK[name] = make
        return make

    return enter


# Small calls: what a call costs before it computes anything.


@work("x + y, 4 floats")
def small_add(torch: Any) -> Callable[[], Any]:
    x, y = torch.randn(4), torch.randn(4)
    return lambda: x + y


@work("w + y, 4 floats, recorded")
def recorded_add(torch: Any) -> Callable[[], Any]:
    w, y = torch.randn(4, requires_grad=True), torch.randn(4)
    return lambda: w + y


@work("x.sum(), 4 floats")
def small_sum(torch: Any) -> Callable[[], Any]:
    x = torch.randn(4)
    return lambda: x.sum()


@work("10 scalar operators, forward and backward")
def scalar_expression(torch: Any) -> Callable[[], Any]:
    a = torch.tensor(0.7, requires_grad=True)
    b = torch.tensor(-1.3, requires_grad=True)

    def step() -> Any:
        a.grad = b.grad = None
        c = a + b
        d = (a * b + b * b) * c
        y = (d * 2.0 + (c - a).tanh() + d / 3.0).sigmoid()
        y.backward()
        return a.grad

    return step


@work("one SGD step of 784-128-64-10, batch 64")
def mlp_step(torch: Any) -> Callable[[], Any]:
    nn = torch.nn
    model = nn.Sequential(
        nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10), nn.LogSoftmax(dim=1)
    )
    loss_of = nn.NLLLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)
    images, labels = torch.randn(64, 784), torch.randint(0, 10, (64,))

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


# Matrix products.


def _matmul(size: int) -> Work:
    def make(torch: Any) -> Callable[[], Any]:
        x, y = torch.randn(size, size), torch.randn(size, size)
        return lambda: x @ y

    return make


for _size in (16, 64, 128, 256, 512, 1024):
    WORK[f"matmul {_size} x {_size}"] = _matmul(_size)


@work("matrix 1024 x 1024 times vector")
def matrix_vector(torch: Any) -> Callable[[], Any]:
    x, y = torch.randn(1024, 1024), torch.randn(1024)
    return lambda: x @ y


# A million elements.

_MILLION = 1_000_000


def _elementwise(apply: Callable[[Any, Any, Any], Any]) -> Work:
    def make(torch: Any) -> Callable[[], Any]:
        x, y = torch.randn(_MILLION), torch.randn(_MILLION)
        return lambda: apply(torch, x, y)

    return make


WORK["add, 1M"] = _elementwise(lambda torch, x, y: x + y)
WORK["mul in place, 1M"] = _elementwise(lambda torch, x, y: y.mul_(1.0))
WORK["exp, 1M"] = _elementwise(lambda torch, x, y: x.exp())
WORK["sigmoid, 1M"] = _elementwise(lambda torch, x, y: x.sigmoid())
WORK["relu, 1M"] = _elementwise(lambda torch, x, y: x.relu())
WORK["compare, 1M"] = _elementwise(lambda torch, x, y: x > y)
WORK["sum, 1M"] = _elementwise(lambda torch, x, y: x.sum())
WORK["to float64, 1M"] = _elementwise(lambda torch, x, y: x.double())


@work("add of a transposed, 1000 x 1000")
def transposed_add(torch: Any) -> Callable[[], Any]:
    x, y = torch.randn(1000, 1000), torch.randn(1000, 1000)
    return lambda: x + y.t()


@work("sort, 100k")
def sort(torch: Any) -> Callable[[], Any]:
    x = torch.randn(100_000)
    return lambda: x.sort()[0]


# Layers.


@work("softmax, 256 x 1000")
def softmax(torch: Any) -> Callable[[], Any]:
    x = torch.randn(256, 1000)
    return lambda: x.softmax(1)


@work("layer_norm, 256 x 768")
def layer_norm(torch: Any) -> Callable[[], Any]:
    x, weight, bias = torch.randn(256, 768), torch.randn(768), torch.randn(768)
    return lambda: torch.nn.functional.layer_norm(x, (768,), weight, bias)


def _conv(batch: int, channels: int, side: int, filters: int, kernel: int, **options: int) -> Work:
    def make(torch: Any) -> Callable[[], Any]:
        x, weight = torch.randn(batch, channels, side, side), torch.randn(filters, channels, kernel, kernel)
        return lambda: torch.nn.functional.conv2d(x, weight, **options)

    return make


WORK["conv2d 3x3, 8 x 32 x 32 x 32 to 64"] = _conv(8, 32, 32, 64, 3, padding=1)
WORK["conv2d 1x1, 8 x 64 x 32 x 32 to 64"] = _conv(8, 64, 32, 64, 1)
WORK["conv2d 7x7 stride 2, 1 x 3 x 224 x 224 to 64"] = _conv(1, 3, 224, 64, 7, stride=2, padding=3)


@work("conv2d 3x3, forward and backward")
def conv_backward(torch: Any) -> Callable[[], Any]:
    x = torch.randn(8, 16, 32, 32, requires_grad=True)
    weight = torch.randn(32, 16, 3, 3, requires_grad=True)

    def step() -> Any:
        x.grad = weight.grad = None
        torch.nn.functional.conv2d(x, weight, padding=1).sum().backward()
        return weight.grad

    return step


# Linear algebra beyond products: what is compared does not depend on the signs of vectors.


@work("svd, 100x100 float32")
def svd(torch: Any) -> Callable[[], Any]:
    a = torch.randn(100, 100)
    return lambda: torch.linalg.svd(a).S


@work("eigh, 100x100 float32")
def eigh(torch: Any) -> Callable[[], Any]:
    a = torch.randn(100, 100)
    return lambda: torch.linalg.eigh(a).eigenvalues


@work("eig, 100x100 float64")
def eig(torch: Any) -> Callable[[], Any]:
    a = torch.randn(100, 100, dtype=torch.float64)
    return lambda: torch.linalg.eig(a).eigenvalues.abs().sum()


@work("cdist, 500x64 and 500x64, p=1")
def cdist(torch: Any) -> Callable[[], Any]:
    a, b = torch.randn(500, 64), torch.randn(500, 64)
    return lambda: torch.cdist(a, b, p=1.0)
