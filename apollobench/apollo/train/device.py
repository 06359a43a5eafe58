"""Where training runs: which device, how it is set up, how data gets there, and what a card calls it."""

from __future__ import annotations

import os
import platform

import torch
from torch import Tensor

from apollobench.device import find_device
from apollobench.errors import InputError


def training_device(name: str) -> torch.device:
    """As `find_device`. Raises InputError also for one that training does not run on."""
    device = find_device(name)
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device {name!r}: training runs on cpu, cuda or cuda:N")
    return device


def set_up(device: torch.device, threads: int) -> None:
    """Prepare this process. On a GPU, float32 matrices are multiplied in TF32; on the CPU nothing is rounded."""
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on `device`, without waiting for what a GPU still has to do."""
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def machine(device: torch.device) -> str:
    """What trained a model, for its card."""
    cores = f"{os.cpu_count() or 1} CPU cores, {platform.machine()}"
    return f"{torch.cuda.get_device_name(device)}, {cores}" if device.type == "cuda" else f"{cores}, no GPU used"
