"""Shuffling channels: the name of PyTorch's module, which the package fills."""
