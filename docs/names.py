"""Counts the names that Flambeau offers against PyTorch's public functions, in docs/coverage.md.

python docs/names.py           writes the page, from the list of PyTorch's names beside it
python docs/names.py record    brings the list up to date, with PyTorch installed
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LIST, PAGE = HERE / "pytorch_names.txt", HERE / "coverage.md"
SPACES = ("torch", "torch.Tensor", "torch.nn.functional", "torch.linalg", "torch.fft", "torch.special")
# Machinery of other devices, of quantised and sparse tensors and of the compiler, which are no aims of this library.
APART = """
    ccol_ col_ crow_ row_ cudnn_ miopen_ mkldnn_ fbgemm_ quantize q_ qscheme quantized_ fake_quantize
    fused_moving dequantize int_repr empty_quantized choose_qparams sparse_ sym_ dsmm hsmm hspmm saddmm spmm
    sspaddmm smm to_sparse to_dense to_mkldnn to_padded coalesce is_coalesced indices values resize_as_sparse
    import_ir parse_ unify_type merge_type ipu xpu mtia is_vulkan record_stream module_load batch_norm_ scaled_
    grouped_mm autocast_ get_autocast_gpu get_autocast_ipu get_autocast_xla set_autocast_gpu set_autocast_ipu
    set_autocast_xla is_autocast_ipu is_autocast_xla has_torch_function assert_int_or_pair slice_inverse
    storage_type fork wait init_num_threads
""".split()


def space(library: str, name: str) -> Any:
    """The namespace of a library that PyTorch calls `name`."""
    if name == "torch.Tensor":
        return importlib.import_module(library).Tensor
    return importlib.import_module(name.replace("torch", library, 1))


def record() -> None:
    """Writes the list, from the PyTorch that is installed."""
    torch = importlib.import_module("torch")
    lines = [f"# The public functions of PyTorch {torch.__version__.split('+')[0]}, by namespace."]
    for name in SPACES:
        where = space("torch", name)
        names = getattr(where, "__all__", None) if name == "torch" else None
        for n in sorted(names or dir(where)):
            thing = getattr(where, n, None)
            if n.startswith("_") or isinstance(thing, types.ModuleType | type) or not _is_public(name, thing):
                continue
            if not n.startswith(tuple(APART)):
                lines.append(f"{name}.{n}")
    LIST.write_text("\n".join(lines) + "\n")


def _is_public(name: str, thing: Any) -> bool:
    if name == "torch.Tensor":
        return True
    return callable(thing) and str(getattr(thing, "__module__", "")).split(".")[0] not in ("typing", "collections")


def page() -> str:
    """The page: a table of counts, and the names that are missing."""
    version, *names = LIST.read_text().splitlines()
    offered: dict[str, list[str]] = {s: [] for s in SPACES}
    missing: dict[str, list[str]] = {s: [] for s in SPACES}
    for full in names:
        where, name = full.rsplit(".", 1)
        there = hasattr(space("flambeau", where), name)
        (offered if there else missing)[where].append(name)
    lines = [
        "# Names offered",
        "",
        f"{version.removeprefix('# ')} Written by `docs/names.py`; machinery of other devices, of quantised and "
        "sparse tensors "
        "and of the compiler is left out.",
        "",
        "| namespace | offered | of | |",
        "|---|---:|---:|---:|",
    ]
    for s in SPACES:
        n, total = len(offered[s]), len(offered[s]) + len(missing[s])
        lines.append(f"| `{s}` | {n} | {total} | {100 * n / total:.1f}% |")
    n, total = (sum(map(len, d.values())) for d in (offered, missing))
    lines += [f"| all | {n} | {n + total} | {100 * n / (n + total):.1f}% |", "", "## Missing", ""]
    lines += [f"- `{s}`: {', '.join(missing[s])}" for s in SPACES if missing[s]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["record"]:
        record()
    PAGE.write_text(page())
    print(f"wrote {PAGE.name}")
