"""Lesson 1: what NumPy arrays did for a small network, tensors do as well.

Parts marked (varies) print other numbers at each run.
"""

import numpy as np
import torch


def init_numpy_model(n_features, n_hidden, n_out):
    return {
        "W1": np.random.randn(n_features, n_hidden) / np.sqrt(n_features),
        "b1": np.zeros((1, n_hidden)),
        "W2": np.random.randn(n_hidden, n_out) / np.sqrt(n_hidden),
        "b2": np.zeros((1, n_out)),
    }


def init_model(n_features, n_hidden, n_out):
    W1 = torch.randn(n_features, n_hidden) / np.sqrt(n_features)
    b1 = torch.zeros((1, n_hidden))
    W2 = torch.randn(n_hidden, n_out) / np.sqrt(n_hidden)
    b2 = torch.zeros((1, n_out))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


print("-- the model in NumPy")
for name, value in init_numpy_model(5, 3, 2).items():
    print(name, value.shape, value.dtype)

print("-- random weights (varies)")
W1 = torch.randn(8, 784)
print(W1)
print("-- their shape")
print(W1.shape)
print(torch.randint(0, 10, (2, 3)).shape, torch.randint(0, 10, (2, 3)).dtype)
print(torch.tensor([1, 2, 3]))
print("-- a corner (varies)")
print(W1[:2, :3])
print("-- one long row (varies)")
print(W1.view(-1))
print("-- its shape")
print(W1.view(-1).shape)

print("-- three observations")
X = torch.randn(3, 784)
print(X.shape)
print((W1.shape, X.T.shape))
print("-- their products with the weights (varies)")
print(W1 @ X.T)
print("-- a bias for each neuron (varies)")
b1 = torch.randn(8, 1)
print(b1)
print("-- products and bias (varies)")
Z1 = W1 @ X.T + b1
print(Z1)
print("-- the shape of the layer's output")
print(Z1.shape)

print("-- the model in tensors (varies)")
model = init_model(5, 3, 2)
print(model)
print("-- its parts")
for name, value in model.items():
    print(name, value.shape, value.dtype)

print("-- the same from a seed")
torch.manual_seed(32)
W1 = torch.randn(8, 784) / np.sqrt(784)
X = torch.randn(3, 784)
b1 = torch.randn(8, 1)
print(W1)
print(W1.view(-1))
print(W1 @ X.T + b1)
print(init_model(5, 3, 2))
