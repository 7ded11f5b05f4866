"""A save that is killed leaves the old file or the new one, whole."""

import os
import random
import signal
import subprocess
import sys
import time

import flambeau as torch
import pytest

# Saves files whose elements are all the number of the save, as fast as it can.
SAVES = """
import sys
import flambeau as torch
from flambeau.safetensors import save_file
path, kind = sys.argv[1:]
for i in range(1, 1_000_000):
    value = {"w": torch.full((500_000,), float(i)), "b": torch.full((7,), float(i))}
    if kind == "safetensors":
        save_file(value, path)
    else:
        torch.save(value, path, _use_new_zipfile_serialization=kind == "zip")
    if i == 1:
        print("begun", flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_kill(tmp_path, kind):
    path = tmp_path / ("m.safetensors" if kind == "safetensors" else "m.pt")
    kills = int(os.environ.get("FLAMBEAU_KILLS", "3"))
    seen = set()
    for _ in range(kills):
        child = subprocess.Popen([sys.executable, "-c", SAVES, str(path), kind], stdout=subprocess.PIPE)
        try:
            assert child.stdout.readline() == b"begun\n"
            time.sleep(random.random() * 0.03)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
        back = torch.load(path)
        number = back["b"][0].item()
        assert (back["w"] == number).all()
        assert (back["b"] == number).all()
        assert back["w"].shape == (500_000,)
        seen.add(number)
    assert seen
