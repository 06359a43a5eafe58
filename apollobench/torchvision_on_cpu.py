"""Lets torchvision be imported beside a CPU build of torch; it is Python for all that its users here need of it.

The package index has torchvision for CUDA only. Beside a CPU build its compiled operators do not load, and the import
then stops where it describes two of them. Declared here, without an implementation, they let it go on; whoever calls
them still gets an error.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import wrapt

MISSING = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []  # a library's operators go when it does


def complete_when_imported() -> None:
    """As soon as torchvision knows whether its operators loaded, and before it describes them."""
    wrapt.register_post_import_hook(_complete, "torchvision.extension")


def _complete(extension: ModuleType) -> None:
    if extension._has_ops():
        return
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in MISSING:
        library.define(schema)
    _declared.append(library)
