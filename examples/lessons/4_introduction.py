"""Lesson 4: the neuron and the network of lesson 3 as exercises, with torch.sum, torch.mm and a test for equality.

Parts marked (varies) print other numbers at each run.
"""

import numpy as np
import torch


def activation(x):
    """The logistic sigmoid."""
    return 1 / (1 + torch.exp(-x))


print("-- random data")
torch.manual_seed(7)
features = torch.randn((1, 5))
weights = torch.randn_like(features)
bias = torch.randn((1, 1))
print(features)
print(weights)
print(bias)

print("-- one neuron, by a sum")
output1 = activation(torch.sum(features * weights) + bias)
print(output1)
print(activation((features * weights).sum() + bias))

print("-- shapes that do not fit")
try:
    torch.mm(features, weights)
except RuntimeError as error:
    print(f"RuntimeError: {error}")
print(features.shape, weights.shape)

print("-- other shapes")
print(weights.reshape(5, 1).shape, weights.clone().resize_(5, 1).shape)
reshaped_weights = weights.view(5, 1)
print(reshaped_weights)

print("-- one neuron, by a matrix product")
matmul_features_weights = torch.mm(features, reshaped_weights)
print(matmul_features_weights)
print(torch.matmul(features, reshaped_weights))
output2 = activation(matmul_features_weights + bias)
print(output2)
print(torch.allclose(output1, output2), (output1 == output2).shape, (output1 == output2).dtype)
print("-- equal to the last bit: 1, else 0 (varies)")
print(int(bool(output1 == output2)))

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
for value in (features, W1, W2, B1, B2):
    print(value)
hidden_layer = activation(torch.mm(features, W1) + B1)
output = activation(torch.mm(hidden_layer, W2) + B2)
print(hidden_layer)
print(output)

print("-- from NumPy and back (varies)")
a = np.random.rand(4, 3)
print(a)
b = torch.from_numpy(a)
print(b)
print(b.numpy())
print("-- doubled in place (varies)")
doubled = b.mul_(2)
print(doubled)
print(a)
print("-- one memory")
print(doubled is b, np.array_equal(a, b.numpy()))
