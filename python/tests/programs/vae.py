"""A variational autoencoder of small pictures of bars."""

import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)


class Bars(Dataset):
    """Pictures of 8 x 8 with a horizontal and a vertical bar."""

    def __init__(self, count):
        self.rows = torch.randint(0, 8, (count,))
        self.columns = torch.randint(0, 8, (count,))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        picture = torch.zeros(1, 8, 8)
        picture[0, self.rows[index]] = 1.0
        picture[0, :, self.columns[index]] = 1.0
        return picture, self.rows[index]


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        self.mean = nn.Linear(128, 4)
        self.logvar = nn.Linear(128, 4)
        self.widen = nn.Linear(4, 128)
        self.decoder = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1))

    def encode(self, x):
        h = self.encoder(x)
        return self.mean(h), self.logvar(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.decoder(self.widen(z).view(-1, 8, 4, 4)))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x, reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


train_loader = DataLoader(Bars(160), batch_size=32, shuffle=True)
model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-2)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
model.train()
for _epoch in range(2):
    for data, _ in train_loader:
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data)
        loss = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        optimizer.step()
        print(loss.item() / len(data))
    scheduler.step()
