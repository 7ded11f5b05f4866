"""Train a small GPT on the letters of a text, then let it write.

    python -m flambeau examples/char_gpt.py [text file]     on Flambeau
    python examples/char_gpt.py [text file]                 on PyTorch

Without a file it reads data/shakespeare/coriolanus.txt. It shows the loss as it goes, leaves the trained model
(model.pt) and the curve of the loss (curve.png) in runs/char_gpt/, and prints a sample.

Random numbers are drawn in this order: the layers' initial values as the layers are made, the weights' again in the
order of model.parameters(), then a batch's places for every step, then the sample's letters.
"""

import argparse
import math
import time
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from drawing import BLUE, Canvas, chart

ROOT = Path(__file__).resolve().parent.parent


class CausalSelfAttention(nn.Module):
    """Each place gathers from the places before it: in (B, T, C), out (B, T, C)."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        B, T, C = x.shape
        # (B, T, C) -> (B, heads, T, C / heads), each of queries, keys and values
        q, k, v = (y.view(B, T, self.heads, C // self.heads).transpose(1, 2) for y in self.qkv(x).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).contiguous().view(B, T, C))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln1 = nn.LayerNorm(width)
        self.attention = CausalSelfAttention(width, heads)
        self.ln2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, letters, context, width, heads, layers):
        super().__init__()
        self.context = context
        self.token = nn.Embedding(letters, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters, bias=False)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, mean=0.0, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens):
        """Logits of the next letter for each place: (B, T) -> (B, T, letters)."""
        x = self.token(tokens) + self.position(torch.arange(tokens.size(1)))
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln(x))

    @torch.no_grad()
    def write(self, tokens, count, temperature=0.8):
        """`tokens` (T) and `count` more, each drawn from what the model takes for likely."""
        for _ in range(count):
            logits = self(tokens[-self.context :].unsqueeze(0))[0, -1]
            drawn = torch.multinomial(F.softmax(logits / temperature, dim=0), 1)
            tokens = torch.cat([tokens, drawn])
        return tokens


def batch_of(data, size, context):
    """Stretches of the text from anywhere, and the same ones a letter on."""
    places = torch.randint(len(data) - context, (size,))
    x = torch.stack([data[i : i + context] for i in places.tolist()])
    y = torch.stack([data[i + 1 : i + 1 + context] for i in places.tolist()])
    return x, y


def loss_of(model, x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


@torch.no_grad()
def held_back_loss(model, data, context):
    """The mean loss on a text that the model has not seen, in stretches side by side."""
    n = min(64, (len(data) - 1) // context)
    x, y = (data[i : i + n * context].view(n, context) for i in (0, 1))
    return loss_of(model, x, y).item()


def train(model, data, held_back, options):
    """Take the steps; the loss, averaged over every `options.every` of them."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    shown, recent, begun = [], [], time.perf_counter()
    for step in range(1, options.steps + 1):
        x, y = batch_of(data, options.batch, options.context)
        loss = loss_of(model, x, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        recent.append(loss.item())
        if step % options.every == 0 or step == options.steps:
            seconds = (time.perf_counter() - begun) / len(recent)
            shown.append((step, sum(recent) / len(recent)))
            unseen = held_back_loss(model, held_back, options.context)
            print(f"step {step:5}/{options.steps}  loss {shown[-1][1]:.5f}  held back {unseen:.5f}  "
                  f"{1000 * seconds:6.1f} ms a step", flush=True)  # fmt: skip
            recent, begun = [], time.perf_counter()
    return shown


def draw(shown, path):
    """The curve of the loss."""
    canvas = Canvas(900, 460)
    steps, losses = zip(*shown, strict=True)
    top = math.ceil(2 * max(losses)) / 2
    chart(canvas, (20, 24, 850, 416), steps, losses, title="Training loss", x_label="step", colour=BLUE,
          y_range=(0.0, top), y_text="{:.3g}".format)  # fmt: skip
    canvas.save(path)


def main():
    parser = argparse.ArgumentParser(description="Train a small GPT on the letters of a text.")
    parser.add_argument("text", nargs="?", type=Path, default=ROOT / "data" / "shakespeare" / "coriolanus.txt")
    parser.add_argument("--steps", type=int, default=1000, help="to train for (default 1000)")
    parser.add_argument("--batch", type=int, default=16, help="stretches of text a step (default 16)")
    parser.add_argument("--context", type=int, default=64, help="letters the model sees at once (default 64)")
    parser.add_argument("--width", type=int, default=128, help="numbers for each place (default 128)")
    parser.add_argument("--heads", type=int, default=4, help="of attention (default 4)")
    parser.add_argument("--layers", type=int, default=4, help="blocks (default 4)")
    parser.add_argument("--every", type=int, default=50, help="steps between two lines (default 50)")
    parser.add_argument("--letters", type=int, default=400, help="to write at the end (default 400)")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers (default 0)")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "char_gpt", help="folder for model and curve")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(options.seed)
    text = options.text.read_text(encoding="utf-8")
    letters = sorted(set(text))
    data = torch.tensor([letters.index(c) for c in text])
    cut = len(data) * 9 // 10
    model = GPT(len(letters), options.context, options.width, options.heads, options.layers)
    size = sum(p.numel() for p in model.parameters())
    print(f"{torch.__name__} {torch.__version__}: {len(text)} letters, {len(letters)} different; {size} parameters")

    shown = train(model, data[:cut], data[cut:], options)
    torch.save({"letters": letters, "model": model.state_dict()}, options.out / "model.pt")
    draw(shown, options.out / "curve.png")
    print(f"wrote {options.out / 'model.pt'} and {options.out / 'curve.png'}\n")
    start = torch.tensor([letters.index(text[0])])
    print("".join(letters[i] for i in model.write(start, options.letters).tolist()))


if __name__ == "__main__":
    main()
