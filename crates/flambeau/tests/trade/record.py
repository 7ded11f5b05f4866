"""Models that change hands: trained a little by PyTorch, saved, and trained on by whoever reads the file.

    python record.py                 writes resnet.pt, transformer.pt and lstm.pt, for main.rs and the Python tests
    python record.py --check FOLDER  reads the files that `FLAMBEAU_TRADE=FOLDER cargo test --test trade` wrote

A file holds the model, its optimizer, an input and a target, the output in the mode for use, and the losses of the next
three steps.
"""

import sys
from pathlib import Path

import torch
from torch import nn

FOLDER = Path(__file__).parent


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet18(nn.Module):
    """With `width` channels in the first stage, where the original has 64."""

    def __init__(self, width, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        sizes = [width, width, 2 * width, 4 * width, 8 * width]
        for i in range(4):
            stage = [BasicBlock(sizes[i], sizes[i + 1], 1 if i == 0 else 2), BasicBlock(sizes[i + 1], sizes[i + 1], 1)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*stage))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, x):
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


class Translator(nn.Module):
    def __init__(self, letters, width):
        super().__init__()
        self.embedding = nn.Embedding(letters, width)
        self.transformer = nn.Transformer(width, 2, 1, 1, 2 * width, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, letters)

    def forward(self, tokens):
        x = self.embedding(tokens)
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.size(1))
        return self.head(self.transformer(x, x, tgt_mask=mask)).transpose(1, 2)


class Tagger(nn.Module):
    def __init__(self, features, hidden, tags):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(2 * hidden, tags)

    def forward(self, x):
        return self.head(self.lstm(x)[0]).transpose(1, 2)


# Name: the model, its optimizer, an input and a target.
TRADES = {
    "resnet": (
        lambda: ResNet18(4, 5),
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=1e-4, nesterov=True),
        lambda: (torch.randn(4, 3, 40, 40), torch.randint(5, (4,))),
    ),
    "transformer": (
        lambda: Translator(11, 8),
        lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.1),
        lambda: (torch.randint(11, (3, 6)), torch.randint(11, (3, 6))),
    ),
    "lstm": (
        lambda: Tagger(4, 6, 3),
        lambda p: torch.optim.RMSprop(p, lr=1e-3, momentum=0.5, centered=True),
        lambda: (torch.randn(3, 7, 4), torch.randint(3, (3, 7))),
    ),
}


def step(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def used(model, x):
    model.eval()
    with torch.no_grad():
        out = model(x)
    model.train()
    return out


def record(name):
    make, optimize, data = TRADES[name]
    torch.manual_seed(0)
    model = make()
    optimizer = optimize(model.parameters())
    x, y = data()
    for _ in range(2):
        step(model, optimizer, x, y)
    copies = {key: value.clone() for key, value in model.state_dict().items()}
    file = {"model": copies, "optimizer": optimizer.state_dict(), "x": x, "y": y, "out": used(model, x)}
    file["losses"] = []
    torch.save(file, FOLDER / f"{name}.pt")
    file = torch.load(FOLDER / f"{name}.pt")  # before the next steps change the optimizer's tensors
    file["losses"] = [step(model, optimizer, x, y) for _ in range(3)]
    torch.save(file, FOLDER / f"{name}.pt")


def check(name, path):
    """Trains on with the file; how far the output and the losses are from the file's."""
    make, optimize, _ = TRADES[name]
    file = torch.load(path)
    model = make()
    model.load_state_dict(file["model"])
    optimizer = optimize(model.parameters())
    optimizer.load_state_dict(file["optimizer"])
    x, y = file["x"], file["y"]
    out = (used(model, x) - file["out"]).abs().max().item()
    losses = [abs(step(model, optimizer, x, y) - loss) for loss in file["losses"]]
    return out, losses


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        for name in TRADES:
            print(name, *check(name, Path(sys.argv[2]) / f"{name}.pt"))
    else:
        for name in TRADES:
            record(name)
