"""A Transformer that learns to turn sequences round, with teacher forcing; then it decodes greedily."""

import math

import torch
import torch.nn as nn

torch.manual_seed(4)
PAD, BOS, VOCABULARY = 0, 1, 12


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=64):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2] = torch.sin(position * div_term)
        pe[0, :, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return self.dropout(x + self.pe[:, : x.size(1)])


class Seq2SeqTransformer(nn.Module):
    def __init__(self, d_model=32):
        super().__init__()
        self.d_model = d_model
        self.embedding = nn.Embedding(VOCABULARY, d_model, padding_idx=PAD)
        self.positional_encoding = PositionalEncoding(d_model)
        self.transformer = nn.Transformer(
            d_model, nhead=4, num_encoder_layers=2, num_decoder_layers=2, dim_feedforward=64, batch_first=True
        )
        self.generator = nn.Linear(d_model, VOCABULARY)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def embed(self, tokens):
        return self.positional_encoding(self.embedding(tokens) * math.sqrt(self.d_model))

    def forward(self, src, tgt):
        tgt_mask = nn.Transformer.generate_square_subsequent_mask(tgt.size(1)).isinf()
        out = self.transformer(
            self.embed(src),
            self.embed(tgt),
            tgt_mask=tgt_mask,
            src_key_padding_mask=src == PAD,
            tgt_key_padding_mask=tgt == PAD,
            memory_key_padding_mask=src == PAD,
        )
        return self.generator(out)


def batch(size=16, length=7):
    src = torch.randint(2, VOCABULARY, (size, length))
    lengths = torch.randint(4, length + 1, (size, 1))
    src[torch.arange(length) >= lengths] = PAD
    tgt = torch.zeros_like(src)
    for row, n in enumerate(lengths.flatten().tolist()):
        tgt[row, :n] = src[row, :n].flip(0)
    return src, torch.cat([torch.full((size, 1), BOS), tgt], dim=1)


model = Seq2SeqTransformer()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) ** -0.5, (step + 1) * 4**-1.5))
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
for _step in range(6):
    src, tgt = batch()
    logits = model(src, tgt[:, :-1])
    loss = criterion(logits.reshape(-1, VOCABULARY), tgt[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    scheduler.step()
    print(loss.item(), norm.item(), scheduler.get_last_lr()[0])

model.eval()
with torch.no_grad():
    src, _ = batch(size=2)
    ys = torch.full((2, 1), BOS)
    for _ in range(4):
        ys = torch.cat([ys, model(src, ys)[:, -1].argmax(-1, keepdim=True)], dim=1)
    print(*ys.flatten().tolist())
