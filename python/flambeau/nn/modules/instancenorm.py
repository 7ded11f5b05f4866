"""Normalization of single planes: the name of PyTorch's module, which the package fills."""
