"""Learn to read handwritten digits: 784-128-64-10, 4,000 digits to train on, 1,000 held back to test with.

    python examples/mnist_demo.py             on Flambeau
    python examples/mnist_demo.py --torch     the same program on PyTorch, to compare

Leaves in runs/mnist/ the trained model (model.pt), the curves of training (curves.png) and a page of held-back digits
with what the model takes them for (digits.png).
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
from pathlib import Path

if "--torch" not in sys.argv:
    import flambeau

    flambeau.stand_in()  # from here on, `import torch` is Flambeau

import torch
import torch.nn as nn
from drawing import BLACK, BLUE, GREEN, ORANGE, PALE, RED, Canvas, chart
from torch.utils.data import DataLoader, TensorDataset

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data" / "mnist-sample"


def read_digits(split: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The sample's images (bytes, N x 28 x 28) and labels (N)."""
    with gzip.open(DATA / f"sample-{split}-images-idx3-ubyte.gz") as file:
        images = torch.frombuffer(bytearray(file.read()[16:]), dtype=torch.uint8).view(-1, 28, 28)
    with gzip.open(DATA / f"sample-{split}-labels-idx1-ubyte.gz") as file:
        labels = torch.frombuffer(bytearray(file.read()[8:]), dtype=torch.uint8).long()
    return images, labels


def normalize(images: torch.Tensor) -> torch.Tensor:
    """What ToTensor and Normalize((0.5,), (0.5,)) make of the pixels, one row an image."""
    return ((images.float() / 255 - 0.5) / 0.5).view(-1, 784)


class Progress:
    """One line an epoch, drawn again while it goes on if someone is watching."""

    def __init__(self, epochs: int, images: int) -> None:
        self.epochs, self.images = epochs, images
        self.live = sys.stdout.isatty()

    def start(self, epoch: int) -> None:
        self.epoch, self.begun, self.shown = epoch, time.perf_counter(), 0.0

    def _line(self, seen: int, loss: float, seconds: float) -> str:
        full = 24 * seen // self.images
        bar = "=" * full + " " * (24 - full)
        return f"epoch {self.epoch:2}/{self.epochs} [{bar}] loss {loss:.4f}  {seen / seconds:7,.0f} images/s"

    def update(self, seen: int, loss: float) -> None:
        now = time.perf_counter()
        if self.live and now - self.shown > 0.05:  # a terminal is slower than a training step
            self.shown = now
            print("\r" + self._line(seen, loss, now - self.begun), end="", flush=True)

    def finish(self, loss: float, accuracy: float) -> None:
        line = self._line(self.images, loss, self.seconds)
        print(("\r" if self.live else "") + f"{line}  held back {accuracy:.1%}", flush=True)

    def stop_clock(self) -> None:
        self.seconds = time.perf_counter() - self.begun


def train(
    model: nn.Module, digits: TensorDataset, held_back: tuple[torch.Tensor, torch.Tensor], epochs: int
) -> tuple[list[float], list[float]]:
    """Train the model; the mean loss and the accuracy on the held-back digits, by epoch."""
    loader = DataLoader(digits, batch_size=32, shuffle=True)
    loss_of = nn.NLLLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    progress = Progress(epochs, len(digits))
    losses, accuracies = [], []
    for epoch in range(1, epochs + 1):
        progress.start(epoch)
        total, seen = 0.0, 0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = loss_of(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            seen += len(labels)
            progress.update(seen, total / seen)
        progress.stop_clock()
        images, labels = held_back
        accuracy = (predict(model, images) == labels).float().mean().item()
        progress.finish(total / seen, accuracy)
        losses.append(total / seen)
        accuracies.append(accuracy)
    return losses, accuracies


def predict(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The most likely digit for each image."""
    with torch.no_grad():
        return model(images).argmax(dim=1)


def draw_curves(losses: list[float], accuracies: list[float], path: Path) -> None:
    """The loss on the left, the accuracy on held-back digits on the right."""
    canvas = Canvas(1120, 460)
    epochs = list(range(1, len(losses) + 1))
    percents = [100 * value for value in accuracies]
    lowest = min(90.0, 5 * (min(percents) // 5))
    chart(canvas, (20, 24, 530, 416), epochs, losses, title="Training loss, mean of an epoch", x_label="epoch",
          colour=BLUE, y_range=(0.0, 1.05 * max(losses)), y_text="{:.3g}".format)  # fmt: skip
    chart(canvas, (570, 24, 530, 416), epochs, percents, title="Held-back digits read right", x_label="epoch",
          colour=ORANGE, y_range=(lowest, 100.0), y_text=lambda y: f"{y:.3g}%")  # fmt: skip
    canvas.save(path)


def draw_digits(images: torch.Tensor, labels: torch.Tensor, guesses: torch.Tensor, path: Path) -> None:
    """Sixty digits, each framed and named: green where the model is right, red with the true one where it is wrong."""
    columns, rows, zoom, cell_width, cell_height, head = 10, 6, 3, 100, 124, 56
    canvas = Canvas(columns * cell_width + 20, rows * cell_height + head + 8)
    right = int((guesses == labels).sum())
    canvas.text(20, 20, f"Held-back digits: {right} of {len(labels)} read right", BLACK)
    canvas.rectangle(20, 44, canvas.width - 40, 1, PALE)
    for place, index in enumerate(torch.randperm(len(labels))[: columns * rows].tolist()):
        x, y = 10 + place % columns * cell_width + 5, head + place // columns * cell_height
        guess, label = int(guesses[index]), int(labels[index])
        colour = GREEN if guess == label else RED
        canvas.rectangle(x, y, 90, 90, colour)
        canvas.image(x + 3, y + 3, (255 - images[index]).tolist(), zoom)
        text = f"{guess}" if guess == label else f"{guess}, is {label}"
        canvas.text(x + 45, y + 97, text, colour, align="centre")
    canvas.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn to read handwritten digits.")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers (default 0)")
    parser.add_argument("--epochs", type=int, default=20, help="times through the digits (default 20)")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "mnist", help="folder for the model and pictures")
    parser.add_argument("--torch", action="store_true", help="use PyTorch instead of Flambeau")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(options.seed)
    images, labels = read_digits("train")
    test_images, test_labels = read_digits("t10k")
    model = nn.Sequential(
        nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10), nn.LogSoftmax(dim=1)
    )
    print(f"{torch.__name__} {torch.__version__}, {torch.get_num_threads()} threads, seed {options.seed}")
    print(model)
    begun = time.perf_counter()
    digits = TensorDataset(normalize(images), labels)
    losses, accuracies = train(model, digits, (normalize(test_images), test_labels), options.epochs)
    print(f"{accuracies[-1]:.1%} of the held-back digits read right, after {time.perf_counter() - begun:.1f} s")

    torch.save(model.state_dict(), options.out / "model.pt")
    draw_curves(losses, accuracies, options.out / "curves.png")
    draw_digits(test_images, test_labels, predict(model, normalize(test_images)), options.out / "digits.png")
    for name in ("model.pt", "curves.png", "digits.png"):
        print(f"wrote {options.out / name}")


if __name__ == "__main__":
    main()
