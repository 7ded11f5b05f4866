"""Lesson 2: a linear layer holds its weights and its bias; two of them make a network.

Parts marked (varies) print other numbers at each run.
"""

import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def init_numpy_model(n_features, n_hidden, n_out):
    W1 = np.random.randn(n_features, n_hidden) / np.sqrt(n_features)
    b1 = np.zeros((1, n_hidden))
    W2 = np.random.randn(n_hidden, n_out) / np.sqrt(n_hidden)
    b2 = np.zeros((1, n_out))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def sigma(z):
    return 1 / (1 + np.exp(-z))


def forward_numpy(X, model):
    W1, b1, W2, b2 = tuple(model.values())
    z1 = X.dot(W1) + b1
    a1 = sigma(z1)
    z2 = a1.dot(W2) + b2
    return (z1, a1, z2)


def build_model():
    W1 = nn.Linear(28 * 28, 64)
    W2 = nn.Linear(64, 10)
    return {"W1": W1, "W2": W2}


def forward(X, model):
    W1, W2 = tuple(model.values())
    Z1 = W1(X)
    A1 = F.sigmoid(Z1)
    Z2 = W2(A1)
    A2 = F.softmax(Z2)  # without dim: the last dimension of a matrix, and a warning
    return (Z1, A1, Z2, A2)


def show_forward(X, model):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Z1, A1, Z2, A2 = forward(X, model)
    for warning in caught:
        print(f"{warning.category.__name__}: {warning.message}")
    print(Z1.shape, A1.shape)
    print(A2)
    print(Z2)
    print(torch.allclose(A2.sum(), torch.tensor(1.0)))


print("-- a forward pass in NumPy")
print([value.shape for value in forward_numpy(np.random.randn(1, 784), init_numpy_model(784, 64, 10))])

print("-- a linear layer")
W1 = nn.Linear(784, 8)
print(W1)
print("-- its weight and bias (varies)")
print((W1.weight.data, W1.bias.data))
print("-- their shape")
print(W1.weight.data.shape)
print(W1.bias.data.shape)
print("-- a corner (varies)")
print(W1.weight.data[:2, :3])

print("-- loaders of digits")
train = [(torch.rand(1, 28, 28), i % 10) for i in range(45)]
test = [(torch.rand(1, 28, 28), i % 10) for i in range(20)]
trainset = torch.utils.data.DataLoader(train, batch_size=10, shuffle=True)
testset = torch.utils.data.DataLoader(test, batch_size=10, shuffle=True)
print(len(trainset), len(testset))
for images, labels in trainset:
    print(images.shape, labels.shape, labels.dtype)

print("-- a model of two layers")
model = build_model()
print(model)
W1 = model["W1"]
X_1 = torch.rand(28 * 28)
print("-- the first layer's output (varies)")
print(W1(X_1))
print("-- the shape of its weight")
print(W1.weight.shape)
print("-- by hand, with a bias that broadcasts (varies)")
weights = W1.weight
z1 = weights @ (X_1.view(1, -1).T) + W1.bias
print(z1)
print("-- its sigmoid (varies)")
print(torch.sigmoid(z1))
print("-- the diagonal is the layer's own output")
print(z1.shape, torch.allclose(z1.diagonal(), W1(X_1), atol=1e-6))

print("-- the whole network (varies)")
show_forward(X_1.view(1, -1), model)

print("-- the same from a seed")
torch.manual_seed(11)
model = build_model()
X_1 = torch.rand(28 * 28)
print(model["W1"].weight.data, model["W1"].bias.data)
print(model["W1"](X_1))
show_forward(X_1.view(1, -1), model)
