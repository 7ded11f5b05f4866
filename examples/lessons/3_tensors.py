"""Lesson 3: one neuron, then a network of two layers, from tensors alone; and the way to NumPy and back.

Parts marked (varies) print other numbers at each run.
"""

import numpy as np
import torch


def activation(x):
    """The logistic sigmoid."""
    return 1 / (1 + torch.exp(-x))


def show(**tensors):
    for name, tensor in tensors.items():
        print(name + ":\n\t" + str(tensor.shape) + "\n\t" + str(tensor))


print("-- random data")
torch.manual_seed(7)
features = torch.randn((1, 5))
weights = torch.randn_like(features)
bias = torch.randn((1, 1))
show(features=features, weights=weights, bias=bias)

print("-- one neuron")
output_layer_input = (features * weights).sum() + bias
output = activation(output_layer_input)
show(output_layer_input=output_layer_input, output=output)

print("-- shapes that do not fit")
for product in (torch.mm, torch.matmul):
    try:
        product(features, weights)
    except RuntimeError as error:
        print(f"RuntimeError: {error}")

print("-- three ways to another shape")
print(weights.reshape(5, 1))
print(weights.view(5, 1))
resized = weights.clone()
print(resized.resize_(5, 1) is resized, resized)
print(resized.resize_(2, 2))
print(weights.view(5, 1).data_ptr() == weights.data_ptr())

print("-- the neuron as a matrix product")
output_layer_input = torch.mm(features, weights.view(5, 1)).sum() + bias
output = activation(output_layer_input)
show(output=output)

print("-- two layers")
torch.manual_seed(7)
features = torch.randn((1, 3))
n_input = features.shape[1]
n_hidden = 2
n_output = 1
W1 = torch.randn(n_input, n_hidden)
W2 = torch.randn(n_hidden, n_output)
B1 = torch.randn((1, n_hidden))
B2 = torch.randn((1, n_output))
show(features=features, W1=W1, W2=W2, B1=B1, B2=B2)
hidden = activation(torch.mm(features, W1) + B1)
output = activation(torch.mm(hidden, W2) + B2)
show(hidden=hidden, output=output)

print("-- from NumPy (varies)")
a = np.random.rand(4, 3)
print(a)
b = torch.from_numpy(a)
print(b)
print(b.numpy())
print("-- doubled in place (varies)")
before = a.copy()
print(b.mul_(2))
print(a)
print("-- the memory is shared")
print(np.shares_memory(a, b.numpy()), np.array_equal(a, before * 2), b.dtype)
