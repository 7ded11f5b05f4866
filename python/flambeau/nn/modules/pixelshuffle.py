"""Channels into pixels and back: the name of PyTorch's module, which the package fills."""
