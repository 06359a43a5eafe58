"""Which of torch's devices a name means."""

from __future__ import annotations

import torch

from apollobench.errors import InputError

USE = "use auto, cpu, cuda or cuda:N"


def find_device(name: str) -> torch.device:
    """`auto` is the first GPU that torch finds, or else the CPU. Raises InputError for a device that is not here."""
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device {name!r} is not known to torch; {USE}") from error
    if device.type != "cuda":
        return device
    if (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device {name!r}: torch finds {torch.cuda.device_count()} CUDA devices here; use auto or cpu")
    return torch.device("cuda", device.index or 0)
