"""VGG networks."""

from __future__ import annotations

from typing import Any

import flambeau as torch
from flambeau import Tensor, nn
from flambeau.vision.models._build import no_weights, published

__all__ = ["VGG", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]

# The channels of the convolutions of each of the five stages, after which a pool halves the size.
_STAGES = {
    11: [[64], [128], [256] * 2, [512] * 2, [512] * 2],
    13: [[64] * 2, [128] * 2, [256] * 2, [512] * 2, [512] * 2],
    16: [[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3],
    19: [[64] * 2, [128] * 2, [256] * 4, [512] * 4, [512] * 4],
}


class VGG(nn.Module):
    """Given features, and three linear layers. Shape: `N 3 H W -> N num_classes`."""

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                    if m.bias is not None:
                        nn.init.zeros_(m.bias)
                elif isinstance(m, nn.BatchNorm2d):
                    nn.init.ones_(m.weight)
                    nn.init.zeros_(m.bias)
                elif isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, 0, 0.01)
                    nn.init.zeros_(m.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _features(depth: int, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for stage in _STAGES[depth]:
        for wide in stage:
            layers.append(nn.Conv2d(channels, wide, kernel_size=3, padding=1))
            layers += [nn.BatchNorm2d(wide)] if batch_norm else []
            layers.append(nn.ReLU(inplace=True))
            channels = wide
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return nn.Sequential(*layers)


def _vgg(depth: int, batch_norm: bool) -> Any:
    def maker(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
        no_weights(weights, kwargs)
        return VGG(_features(depth, batch_norm), **kwargs)

    maker.__name__ = maker.__qualname__ = f"vgg{depth}" + ("_bn" if batch_norm else "")
    maker.__doc__ = f"VGG-{depth}" + (" with batch normalization." if batch_norm else ".")
    return published(maker)


vgg11, vgg11_bn = _vgg(11, False), _vgg(11, True)
vgg13, vgg13_bn = _vgg(13, False), _vgg(13, True)
vgg16, vgg16_bn = _vgg(16, False), _vgg(16, True)
vgg19, vgg19_bn = _vgg(19, False), _vgg(19, True)
