"""Learn to read handwritten digits with a small convolutional network; the digits are those in data/mnist-sample.

    python -m flambeau examples/cnn.py     on Flambeau
    python examples/cnn.py                 on PyTorch

Options: --epochs N, --batches N (stop every epoch after so many batches), --seed N.
"""

import argparse
import gzip
import time
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

DATA = Path(__file__).resolve().parent.parent / "data" / "mnist-sample"


def read(split):
    """The digits of a split: pictures (N x 1 x 28 x 28, mean and deviation of MNIST taken out) and labels."""
    with gzip.open(DATA / f"sample-{split}-images-idx3-ubyte.gz") as file:
        images = torch.frombuffer(bytearray(file.read()[16:]), dtype=torch.uint8).view(-1, 1, 28, 28)
    with gzip.open(DATA / f"sample-{split}-labels-idx1-ubyte.gz") as file:
        labels = torch.frombuffer(bytearray(file.read()[8:]), dtype=torch.uint8).long()
    return TensorDataset((images.float() / 255 - 0.1307) / 0.3081, labels)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3)
        self.conv2 = nn.Conv2d(16, 32, 3)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(32 * 5 * 5, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # 16 x 13 x 13
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # 32 x 5 x 5
        x = self.dropout(torch.flatten(x, 1))
        return self.fc2(F.relu(self.fc1(x)))


def train(model, loader, optimizer, batches):
    """One time through the digits; the mean loss."""
    model.train()
    total = count = 0
    for number, (images, labels) in enumerate(loader):
        if number == batches:
            break
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        count += len(labels)
    return total / count


@torch.no_grad()
def test(model, loader):
    """The share of digits read right."""
    model.eval()
    right = sum((model(images).argmax(dim=1) == labels).sum().item() for images, labels in loader)
    return right / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description="Learn to read handwritten digits.")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers (default 0)")
    parser.add_argument("--epochs", type=int, default=5, help="times through the digits (default 5)")
    parser.add_argument("--batches", type=int, default=-1, help="batches of an epoch (default: all)")
    options = parser.parse_args()
    torch.manual_seed(options.seed)

    digits = DataLoader(read("train"), batch_size=64, shuffle=True)
    held_back = DataLoader(read("t10k"), batch_size=250)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.7)
    for epoch in range(1, options.epochs + 1):
        begun = time.perf_counter()
        loss = train(model, digits, optimizer, options.batches)
        scheduler.step()
        print(f"epoch {epoch}: loss {loss:.5f}, held back {test(model, held_back):.1%}, "
              f"{time.perf_counter() - begun:.1f} s")  # fmt: skip


if __name__ == "__main__":
    main()
