"""What the makers of models share."""

from __future__ import annotations

from typing import Any

_PUBLISHED: dict[str, Any] = {}


def published(maker: Any) -> Any:
    """Makes a function known to `get_model` and `list_models` under its name."""
    _PUBLISHED[maker.__name__] = maker
    return maker


def no_weights(weights: Any, arguments: dict[str, Any]) -> None:
    """Refuses weights trained by others: nothing is downloaded."""
    if arguments.pop("pretrained", False) or weights is not None:
        raise NotImplementedError(
            "weights of trained models are not offered: make the model with weights=None, and load a state dict saved "
            "with torchvision by model.load_state_dict(torch.load(path))"
        )


def get_model(name: str, **config: Any) -> Any:
    """The model of that name, made with the given arguments."""
    return get_model_builder(name)(**config)


def get_model_builder(name: str) -> Any:
    """The function that makes the model of that name."""
    try:
        return _PUBLISHED[name.lower()]
    except KeyError:
        raise ValueError(f"Unknown model {name.lower()}") from None


def list_models() -> list[str]:
    """The names of all models."""
    return sorted(_PUBLISHED)
