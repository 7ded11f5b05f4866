"""Trained networks from the wild, where their files are given; the outputs here are PyTorch's.

`FLAMBEAU_MTCNN` is the folder of `pnet.pt`, `rnet.pt` and `onet.pt`, `FLAMBEAU_MINILM` that of `model.safetensors`;
`examples/mtcnn.py` and `examples/minilm.py` say how to get them.
"""

import importlib.util
import os
import pathlib

import flambeau as torch
import pytest

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def folder(key):
    if key not in os.environ:
        pytest.skip(f"{key} names no folder of weights")
    return os.environ[key]


MTCNN = {
    "pnet": (15, [[-0.0107101, -0.0032935, -0.0467611, -0.011353], [0.9959595, 0.9980444, 0.999222, 0.9967384]]),
    "rnet": (24, [[-0.161417, -0.2525246, 0.0014645, 0.2066954], [0.996313, 0.003687]]),
    "onet": (
        48,
        [
            [-0.0264104, -0.0885804, 0.0210786, 0.1541976],
            [0.4264094, 0.7225642, 0.5090768, 0.3349172],
            [0.9991862, 0.0008137],
        ],
    ),
}


@pytest.mark.parametrize("name", MTCNN)
def test_mtcnn(name):
    mtcnn = example("mtcnn")
    size, expected = MTCNN[name]
    with torch.no_grad():
        outputs = mtcnn.networks(folder("FLAMBEAU_MTCNN"))[name](mtcnn.picture(size))
    for output, numbers in zip(outputs, expected, strict=True):
        assert torch.allclose(output.flatten()[: len(numbers)], torch.tensor(numbers), rtol=0, atol=1e-5)


SENTENCES = {
    "a cat sits on the mat": (
        [101, 1037, 4937, 7719, 2006, 1996, 13523, 102],
        [0.1287247, -0.032673, -0.0229158, 0.0402306, -0.0354539],
    ),
    "A kitten, on a rug!": (
        [101, 1037, 18401, 1010, 2006, 1037, 20452, 999, 102],
        [0.0061672, 0.0535313, 0.0229039, 0.0356759, -0.0327279],
    ),
    "Unbelievable d\u00e9j\u00e0-vu: \u6771\u4eac 2024": (
        [101, 23653, 2139, 3900, 1011, 24728, 1024, 1879, 1755, 16798, 2549, 102],
        [0.0162645, 0.080272, 0.088775, -0.0322047, -0.0371039],
    ),
}


def test_minilm():
    minilm = example("minilm")
    tokenizer, model = minilm.encoder(folder("FLAMBEAU_MINILM"))
    for sentence, (ids, _) in SENTENCES.items():
        assert tokenizer(sentence) == ids
    vectors = minilm.embed(tokenizer, model, list(SENTENCES))
    expected = torch.tensor([numbers for _, numbers in SENTENCES.values()])
    assert torch.allclose(vectors[:, :5], expected, rtol=0, atol=1e-5)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3))


def test_word_pieces(tmp_path):
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##able", "a", ",", "##a", "\u6771"]))
    tokenizer = example("minilm").WordPiece(vocabulary)
    assert tokenizer("Unable, \u00c1a\u6771x\ta") == [2, 4, 5, 7, 6, 8, 9, 1, 6, 3]
    assert tokenizer("a" * 200) == [2, 1, 3]
    assert tokenizer("") == [2, 3]
