"""A language model of words over a GRU, whose hidden state is carried from one stretch of text to the next."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(5)
TEXT = """
the cat sat on the mat and the dog sat by the door . the dog saw the cat and the cat saw the dog .
a bird flew over the house and the cat ran to the door . the dog ran after the cat and sat on the mat .
""".split()


class Dictionary:
    def __init__(self):
        self.word2idx = {}
        self.idx2word = []

    def add_word(self, word):
        if word not in self.word2idx:
            self.idx2word.append(word)
            self.word2idx[word] = len(self.idx2word) - 1
        return self.word2idx[word]


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data.narrow(0, 0, nbatch * bsz).view(bsz, -1).t().contiguous()


def repackage_hidden(h):
    """Hidden states detached from the stretch of text they come from."""
    return h.detach() if isinstance(h, torch.Tensor) else tuple(repackage_hidden(v) for v in h)


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.2, tie_weights=True):
        super().__init__()
        self.ntoken = ntoken
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.GRU(ninp, nhid, nlayers, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        self.nhid, self.nlayers = nhid, nlayers

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        decoded = self.decoder(self.drop(output)).view(-1, self.ntoken)
        return F.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return weight.new_zeros(self.nlayers, bsz, self.nhid)


dictionary = Dictionary()
corpus = torch.tensor([dictionary.add_word(word) for word in TEXT * 4]).type(torch.int64)
train_data = batchify(corpus, 8)
model = RNNModel(len(dictionary.idx2word), 24, 24, 2)
criterion = nn.NLLLoss()
lr, bptt = 2.0, 5

model.train()
hidden = model.init_hidden(8)
for i in range(0, 6 * bptt, bptt):
    start = i % (len(train_data) - bptt - 1)
    data, targets = train_data[start : start + bptt], train_data[start + 1 : start + 1 + bptt].view(-1)
    model.zero_grad()
    hidden = repackage_hidden(hidden)
    output, hidden = model(data, hidden)
    loss = criterion(output, targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
    for p in model.parameters():
        p.data.add_(p.grad, alpha=-lr)
    print(loss.item(), math.exp(loss.item()))

# A few words, sampled.
model.eval()
hidden = model.init_hidden(1)
word = torch.randint(len(dictionary.idx2word), (1, 1), dtype=torch.long)
words = []
with torch.no_grad():
    for _ in range(8):
        output, hidden = model(word, hidden)
        word.fill_(torch.multinomial(output.squeeze().div(0.9).exp().cpu(), 1)[0])
        words.append(word.item())
print(*words)
