"""Where training runs: which device, how it is set up, how data gets there, and what a card calls it."""

from __future__ import annotations

import os
import platform

import torch
from torch import Tensor

from apollobench.errors import InputError


def find_device(name: str) -> torch.device:
    """`auto` is the first GPU that torch finds, or else the CPU. Raises InputError for one that is not here."""
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"--device {name}: torch does not know it; use auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"--device {name}: training runs on cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"--device {name}: torch finds {torch.cuda.device_count()} CUDA devices here; use auto or cpu")
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else device


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
