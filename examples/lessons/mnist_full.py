"""The network of lesson 5, trained: 784-128-64-10 on MNIST, two epochs.

    python -m flambeau examples/lessons/mnist_full.py [FOLDER] [--epochs 2]

FOLDER is where MNIST is kept, or downloaded to; ~/.pytorch/MNIST_data/ if left away.
"""

import argparse
import time

import torch
from torch import nn, optim
from torchvision import datasets, transforms

parser = argparse.ArgumentParser(description="Train 784-128-64-10 on MNIST.")
parser.add_argument("folder", nargs="?", default="~/.pytorch/MNIST_data/")
parser.add_argument("--epochs", type=int, default=2)
options = parser.parse_args()

torch.manual_seed(7)
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
trainset = datasets.MNIST(options.folder, download=True, train=True, transform=transform)
testset = datasets.MNIST(options.folder, download=True, train=False, transform=transform)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=64, shuffle=True)
testloader = torch.utils.data.DataLoader(testset, batch_size=64, shuffle=False)

model = nn.Sequential(
    nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10), nn.LogSoftmax(dim=1)
)
criterion = nn.NLLLoss()
optimizer = optim.SGD(model.parameters(), lr=0.003, momentum=0.9)

for epoch in range(options.epochs):
    start = time.perf_counter()
    total = 0.0
    for step, (images, labels) in enumerate(trainloader):
        images = images.view(images.shape[0], -1)
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
        if epoch == 0 and step == 0:
            print(f"first loss {loss.item():.6f}")
    seconds = time.perf_counter() - start
    print(f"epoch {epoch + 1}: mean loss {total / len(trainloader):.4f}, {seconds:.2f} s")

right = 0
with torch.no_grad():
    for images, labels in testloader:
        right += (model(images.view(images.shape[0], -1)).argmax(dim=1) == labels).sum().item()
print(f"test accuracy {right / len(testset):.4f}")
