"""Lesson 5: tensors, linear regression in tensors and in NumPy, and MNIST's digits, loaded and looked at.

    python -m flambeau examples/lessons/5_first_steps.py [FOLDER]

FOLDER is where MNIST is kept, or downloaded to; ~/.pytorch/MNIST_data/ if left away. mnist_full.py trains on it.
Parts marked (varies) print other numbers at each run.
"""

import sys
import time

import numpy as np
import torch
from torchvision import datasets, transforms

print("-- tensors")
print(torch.tensor([1, 2, 3]))
print(torch.zeros((2, 3)) + 2)
print(torch.zeros(2, 3) + torch.tensor(2))
print("-- three dimensions (varies)")
print(torch.randn((3, 3, 3)))
print("-- their shape")
print(torch.randn(3, 3, 3).shape)

print("-- linear regression in PyTorch (varies)")
torch_X = torch.randn((10, 5))
torch_X[:, 0] = 1  # the column of the constant term
torch_y = torch.randn(10)
start = time.time()
torch_beta_1 = torch.inverse(torch.matmul(torch.t(torch_X), torch_X))
torch_beta_2 = torch.matmul(torch.t(torch_X), torch_y)
torch_beta = torch.matmul(torch_beta_1, torch_beta_2)
end = time.time()
print(f"Elapsed time for PyTorch: {end - start:.6f}")
print(torch_beta)

print("-- and in NumPy (varies)")
np_X = torch_X.numpy()
np_y = torch_y.numpy()
start = time.time()
np_beta_1 = np.linalg.inv(np.dot(np_X.transpose(), np_X))
np_beta_2 = np.dot(np_X.transpose(), np_y)
np_beta = np.dot(np_beta_1, np_beta_2)
end = time.time()
print(f"Elapsed time for NumPy: {end - start:.6f}")

print("-- the two agree")
print(np.allclose(torch_beta.numpy(), np_beta, rtol=1e-2, atol=1e-2))
print(torch.allclose(torch.mm(torch_X.t(), torch_X), torch.matmul(torch.t(torch_X), torch_X)))
print(torch_X.view(5, 10).shape, torch_X.reshape(50).shape, torch_X.clone().resize_(2, 25).shape)

print("-- regression from a seed")
torch.manual_seed(7)
torch_X = torch.randn((10, 5))
torch_X[:, 0] = 1
torch_y = torch.randn(10)
print(torch_X)
print(torch.matmul(torch.inverse(torch.matmul(torch.t(torch_X), torch_X)), torch.matmul(torch.t(torch_X), torch_y)))

print("-- devices")
print(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
print(torch.device("cuda").type)

print("-- MNIST")
folder = sys.argv[1] if len(sys.argv) > 1 else "~/.pytorch/MNIST_data/"
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
trainset = datasets.MNIST(folder, download=True, train=True, transform=transform)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=64, shuffle=True)
print(transform)
print(len(trainset), len(trainloader))
images, labels = next(iter(trainloader))
print(images.shape, images.dtype, labels.shape, labels.dtype)
print(type(images) is torch.Tensor)

print("-- a digit")
torch.manual_seed(7)
images, labels = next(iter(trainloader))
print(labels)
print(images.min(), images.max(), images.mean())
print(f"a {labels[0].item()}")
for row in images[0].numpy().squeeze():
    print("".join(" .:-=+*#%@"[int((value + 1) / 2 * 9)] for value in row).rstrip())
