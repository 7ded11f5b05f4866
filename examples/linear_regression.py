"""Fit a line to points by gradient descent: the smallest training loop there is.

    python -m flambeau examples/linear_regression.py     on Flambeau
    python examples/linear_regression.py                 on PyTorch

It ends with the numbers that the points were made with.
"""

import torch
from torch import nn

torch.manual_seed(0)

# Points around y = 2 x1 - 3.4 x2 + 4.2.
features = torch.randn(1000, 2)
labels = features @ torch.tensor([2.0, -3.4]) + 4.2 + 0.01 * torch.randn(1000)

model = nn.Linear(2, 1)
loss_of = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03)

for epoch in range(1, 4):
    for at in torch.randperm(1000).split(10):
        optimizer.zero_grad()
        loss = loss_of(model(features[at]).squeeze(1), labels[at])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        loss = loss_of(model(features).squeeze(1), labels)
    print(f"epoch {epoch}: loss {loss.item():.6f}")

w1, w2 = model.weight[0].tolist()
print(f"y = {w1:.2f} x1 {'+' if w2 > 0 else '-'} {abs(w2):.2f} x2 + {model.bias.item():.2f}")
