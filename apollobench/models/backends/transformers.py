"""Video language models of transformers, in this process: folders of the hub, or at hand."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from apollobench.errors import InputError
from apollobench.models.base import Model
from apollobench.models.roster import RosterEntry
from apollobench.models.weights import at_hand, find_weights
from apollobench.types import Sampling

TORCHVISION = "torchvision"  # what the video processors of transformers are written with


def check(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> None:
    """Raises `InputError` that says how to get torchvision, or weights that cannot be had; the hub's are downloaded."""
    _folder(name, entry, arguments)


def load(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Model:
    """The loaded model; arguments are `pretrained`, `revision` and those of `models.chat.options.Options`."""
    folder = _folder(name, entry, arguments)
    from apollobench.models.chat.model import ChatModel  # brings torch, which a mistaken name need not wait for
    from apollobench.models.chat.options import Options

    return ChatModel.load(name, folder, Options.parse(_own(arguments)))


def readiness(name: str, entry: RosterEntry) -> str:
    if find_spec(TORCHVISION) is None:
        return f"no: {TORCHVISION} is not installed"
    return "yes" if at_hand(name, entry) else "no: weights not at hand"


def expected_sampling(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sampling:
    """What the arguments say, and 32 frames over the whole video where only the checkpoint's processor knows."""
    from apollobench.models.chat.options import FRAMES, Options

    return Options.parse(_own(arguments)).sampling(Sampling("uniform", frames=FRAMES, clip_frames=1))


def _own(arguments: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in arguments.items() if key not in ("pretrained", "revision")}


def _folder(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Path:
    if find_spec(TORCHVISION) is None:
        raise InputError(
            f"{name}: the backend transformers needs {TORCHVISION}, which is not installed: "
            "pip install 'apollobench[transformers]'"
        )
    return find_weights(name, entry, arguments.get("pretrained"), arguments.get("revision"))
