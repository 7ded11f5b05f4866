"""Flambeau under PyTorch's names, each case in a process of its own."""

import subprocess
import sys


def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], input=stdin, capture_output=True, text=True, timeout=120)


SAME = """
import flambeau, torch, torchvision
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import transforms
import torch.optim.lr_scheduler
assert torch is flambeau and torchvision is flambeau.vision
assert F is flambeau.nn.functional and F.__name__ == F.__spec__.name == "flambeau.nn.functional"
assert DataLoader is flambeau.utils.data.DataLoader and transforms is flambeau.vision.transforms
try:
    import torch.no_such_module
except ModuleNotFoundError as error:
    print(error)
"""


def test_same_modules() -> None:
    done = run("-c", "import flambeau; flambeau.stand_in(); flambeau.stand_in()\n" + SAME)
    assert done.stdout.strip() == "No module named 'torch.no_such_module'", done.stderr


def test_script_sees_itself_as_main(tmp_path) -> None:
    (tmp_path / "helper.py").write_text("value = 5\n")
    script = tmp_path / "program.py"
    script.write_text(SAME + "import sys, helper\nprint(sys.argv[1:], __name__, helper.value, __file__)\n")
    done = run("-m", "flambeau", str(script), "a", "-b")
    assert done.stdout.splitlines()[-1] == f"['a', '-b'] __main__ 5 {script}", done.stderr


def test_code_module_and_stdin() -> None:
    assert run("-m", "flambeau", "-c", "import torch; print(torch.__name__)").stdout == "flambeau\n"
    assert run("-m", "flambeau", "-", stdin="import torch; print(torch.__name__)").stdout == "flambeau\n"
    done = run("-m", "flambeau", "-m", "json.tool", stdin="[1]")
    assert "1" in done.stdout, done.stderr


def test_exit_status_and_usage() -> None:
    assert run("-m", "flambeau", "-c", "raise SystemExit(3)").returncode == 3
    done = run("-m", "flambeau")
    assert done.returncode == 2 and done.stderr.startswith("usage: python -m flambeau script.py")
    done = run("-m", "flambeau", "no_such_file.py")
    assert done.returncode == 2 and "can't open file 'no_such_file.py'" in done.stderr


def test_refuses_after_the_real_one() -> None:
    code = "import sys, types; sys.modules['torch'] = types.ModuleType('torch')\nimport flambeau; flambeau.stand_in()"
    done = run("-c", code)
    assert done.returncode == 1 and "must come before the first import of torch" in done.stderr


def test_an_import_by_its_alias_hides_no_function() -> None:
    code = (
        "import flambeau; flambeau.stand_in()\n"
        "import torch, torch.autograd\n"
        "from torch.autograd.gradcheck import GradcheckError\n"
        "import torch.nn.modules.module\n"
        "print(torch.autograd.gradcheck.__name__, callable(torch.autograd.gradcheck))\n"
    )
    done = run("-c", code)
    assert done.stdout.strip() == "gradcheck True", done.stderr
