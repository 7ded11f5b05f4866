"""The three networks that find faces in MTCNN (Zhang et al., 2016), with the weights of facenet-pytorch.

    pip download --no-deps facenet-pytorch==2.6.0
    unzip facenet_pytorch-2.6.0-py3-none-any.whl 'facenet_pytorch/data/*'
    python examples/mtcnn.py facenet_pytorch/data

P-Net looks at an image at several sizes and proposes windows, R-Net refines them, O-Net adds eyes, nose and mouth.
"""

from __future__ import annotations

import sys
from pathlib import Path

import flambeau as torch
from flambeau import nn


class PNet(nn.Module):
    """Proposals: for each window of 12 pixels, how its box is off, and whether it shows a face."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 10, 3)
        self.prelu1 = nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(10, 16, 3)
        self.prelu2 = nn.PReLU(16)
        self.conv3 = nn.Conv2d(16, 32, 3)
        self.prelu3 = nn.PReLU(32)
        self.conv4_1 = nn.Conv2d(32, 2, 1)
        self.conv4_2 = nn.Conv2d(32, 4, 1)

    def forward(self, x):
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.prelu2(self.conv2(x))
        x = self.prelu3(self.conv3(x))
        return self.conv4_2(x), self.conv4_1(x).softmax(1)


class RNet(nn.Module):
    """Refinement: the same for images of 24 pixels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 28, 3)
        self.prelu1 = nn.PReLU(28)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(28, 48, 3)
        self.prelu2 = nn.PReLU(48)
        self.conv3 = nn.Conv2d(48, 64, 2)
        self.prelu3 = nn.PReLU(64)
        self.dense4 = nn.Linear(576, 128)
        self.prelu4 = nn.PReLU(128)
        self.dense5_1 = nn.Linear(128, 2)
        self.dense5_2 = nn.Linear(128, 4)

    def forward(self, x):
        x = self.pool(self.prelu1(self.conv1(x)))
        x = self.pool(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x))
        # The weights were trained on images whose channels come last, and whose columns come before rows.
        x = self.prelu4(self.dense4(x.permute(0, 3, 2, 1).flatten(1)))
        return self.dense5_2(x), self.dense5_1(x).softmax(1)


class ONet(nn.Module):
    """Output: for images of 48 pixels also five landmarks."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.prelu1 = nn.PReLU(32)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.prelu2 = nn.PReLU(64)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.prelu3 = nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4 = nn.Conv2d(64, 128, 2)
        self.prelu4 = nn.PReLU(128)
        self.dense5 = nn.Linear(1152, 256)
        self.prelu5 = nn.PReLU(256)
        self.dense6_1 = nn.Linear(256, 2)
        self.dense6_2 = nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(self, x):
        x = self.pool(self.prelu1(self.conv1(x)))
        x = self.pool(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x))
        x = self.prelu5(self.dense5(x.permute(0, 3, 2, 1).flatten(1)))
        return self.dense6_2(x), self.dense6_3(x), self.dense6_1(x).softmax(1)


def networks(folder: str | Path) -> dict[str, nn.Module]:
    """The three networks with the weights in `pnet.pt`, `rnet.pt` and `onet.pt`, files of PyTorch's older format."""
    nets = {"pnet": PNet(), "rnet": RNet(), "onet": ONet()}
    for name, net in nets.items():
        net.load_state_dict(torch.load(Path(folder) / f"{name}.pt"))
        net.eval()
    return nets


def picture(size: int) -> torch.Tensor:
    """An image without a file: waves of three colours, in the range that the networks take."""
    row, column = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    waves = [torch.sin(row * a / 5.0 + column * b / 7.0) for a, b in ((1, 0), (0, 1), (1, 1))]
    return torch.stack(waves)[None]


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with torch.no_grad():
        for (name, net), size in zip(networks(sys.argv[1]).items(), (64, 24, 48), strict=True):
            *_, chance = net(picture(size))
            print(f"{name}: a face with {chance[0, 1].max().item():.1%} at most")


if __name__ == "__main__":
    main()
