"""How the linear cross entropy is computed: the name of PyTorch's module, which the package fills."""
