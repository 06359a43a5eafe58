"""Any build of torchvision can be imported beside the torch that is here, and does what video processors need."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import apollobench, torch
from torchvision.transforms.v2.functional import resize
from torchvision.ops import nms

print(tuple(resize(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), [4, 6]).shape))
boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
try:
    print(nms(boxes, torch.tensor([1.0, 0.5]), 0.5).tolist())
except (NotImplementedError, RuntimeError):
    print("no operators")
"""


def test_torchvision_is_usable() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    shape, found = done.stdout.splitlines() or ("", "")
    assert shape == "(2, 3, 4, 6)", done.stderr
    assert found in ("[0]", "no operators")


def test_it_is_not_loaded_before_it_is_asked_for() -> None:
    code = "import apollobench, sys; sys.exit(bool({'torch', 'torchvision'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
