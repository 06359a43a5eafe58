"""The model classes of lmms-eval by name: found in its registry, made with the arguments that they take."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from packaging.version import Version

from apollobench.errors import InputError
from apollobench.models.lmms.handling import Handling, Kind, find_handling

PACKAGE = "lmms_eval"
BASE = "lmms_eval.api.model"
OLDEST, BEFORE = Version("0.7.3"), Version("0.8")
# Names under which classes take the weights, and how many frames of a video they read.
WEIGHTS = ("pretrained", "model", "model_version")
COUNTS = (
    "max_frame_num",
    "max_frames",
    "max_frames_num",
    "max_num_frames",
    "nframes",
    "num_frame",
    "num_frames",
    "num_segments",
    "num_video_frames",
    "video_max_frames",
)


@dataclass(frozen=True, slots=True)
class ModelClass:
    """A class that lmms-eval knows. name: without aliases. kind: how it takes its questions. path: what to import."""

    name: str
    kind: Kind
    path: str

    def handling(self, arguments: Mapping[str, str]) -> Handling:
        """How it is asked when made with `arguments`."""
        return find_handling(self.kind, self.name, arguments.get("modality"))


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the constructor of a class takes. defaults: by name. open: whether it takes other names as well."""

    defaults: Mapping[str, Any]
    open: bool

    @classmethod
    def of(cls, made: type) -> Parameters:
        """Those of `made`, and of the classes it inherits from as far as arguments are handed on."""
        found: dict[str, Any] = {}
        for owner in made.__mro__:
            if owner.__module__ == BASE:
                break
            if "__init__" not in vars(owner):
                continue
            named = list(inspect.signature(vars(owner)["__init__"]).parameters.values())[1:]
            plain = [p for p in named if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
            found = {parameter.name: parameter.default for parameter in plain} | found
            if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in named):
                return cls(found, open=False)
        return cls(found, open=True)

    def weights(self) -> str:
        """The name under which it takes the weights."""
        return next((name for name in WEIGHTS if name in self.defaults), WEIGHTS[0])

    def loads(self, given: Mapping[str, str]) -> list[str]:
        """What it loads when made with `given`: the weights that it is told, else those that it names itself."""
        own = [self.defaults.get(name) for name in WEIGHTS]
        told = [given[name] for name in WEIGHTS if name in given]
        return told or [weights for weights in own if isinstance(weights, str)]

    def counts(self) -> list[str]:
        """The names under which it takes how many frames to read."""
        return [name for name in COUNTS if name in self.defaults]


def installed() -> Version:
    """The version of lmms-eval at hand."""
    return Version(metadata.version(PACKAGE))


def missing() -> str | None:
    """Why lmms-eval cannot be used here; None when it can."""
    if find_spec(PACKAGE) is None:
        return "lmms-eval is not installed"
    found = installed()
    if OLDEST <= found < BEFORE:
        return None
    return f"lmms-eval {found} is installed, expected at least {OLDEST} and below {BEFORE}"


def find_class(name: str, *, simple: bool = False) -> ModelClass:
    """The class that lmms-eval calls `name`, its chat form where it has both; simple: the simple form instead.

    Raises `InputError` without lmms-eval, and for a name that it does not know.
    """
    lack = missing()
    if lack is not None:
        raise InputError(
            f"{lack}; to get it:\n"
            "  pip install 'apollobench[lmms-eval]'\n"
            f"  pip install --no-deps 'lmms-eval>={OLDEST},<{BEFORE}'\n"
            "(without its dependencies, because it asks for an older PyAV than it needs; classes for other models may "
            "import more, and say so)"
        )
    registry = _registry()
    try:
        found = registry.resolve(name, force_simple=simple)
    except ValueError as error:
        known = ", ".join(registry.list_canonical_model_ids())
        raise InputError(f"lmms-eval has no model class {name!r}; it has {known}") from error
    if simple and found.model_type != "simple":
        raise InputError(f"force_simple=true: the class {name!r} of lmms-eval has no simple form; leave it out")
    return ModelClass(found.model_id, found.model_type, found.class_path)


def load_class(model_class: ModelClass) -> type:
    """Imports the class. Raises `InputError` naming what its module lacks."""
    try:
        loaded: type = _registry().get_model_class(model_class.name, force_simple=model_class.kind == "simple")
    except (Exception, SystemExit) as error:
        raise InputError(
            f"the class {model_class.name!r} of lmms-eval cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return loaded


def make(model_class: ModelClass, loaded: type, arguments: Mapping[str, str], ours: Collection[str]) -> Any:
    """An instance, made as lmms-eval makes it from the text of its `--model_args`.

    ours: the arguments that are not for the class, told with its own where one is wrong. Raises `InputError` for one
    that the class does not take, and with its reason when it cannot be made.
    """
    parameters = Parameters.of(loaded)
    unknown = sorted(arguments.keys() - parameters.defaults.keys())
    valid = ", ".join((*ours, *(name for name in parameters.defaults if name not in {*ours, *COUNTS})))
    strange = f"the class {model_class.name!r} names no argument {unknown[0]!r}; valid: {valid}" if unknown else ""
    if unknown and not parameters.open:
        raise InputError(strange)
    try:
        return loaded.create_from_arg_string(  # type: ignore[attr-defined]
            ",".join(f"{name}={value}" for name, value in arguments.items())
        )
    except (Exception, SystemExit) as error:
        told = ", ".join(f"{name}={value}" for name, value in arguments.items()) or "no arguments"
        raise InputError(
            f"the class {model_class.name!r} of lmms-eval cannot be made with {told}: {type(error).__name__}: {error}"
            f"{f'; {strange}' if strange else ''}"
        ) from error


def _registry() -> Any:
    """lmms-eval's registry. Its warnings go to standard error, not among results, and once from each place."""
    fresh = "lmms_eval.models" not in sys.modules
    from lmms_eval.models import MODEL_REGISTRY_V2
    from loguru import logger

    if fresh:
        logger.remove()
        told: set[tuple[str, int]] = set()

        def new(record: Any) -> bool:
            place = (record["name"], record["line"])
            return place not in told and not told.add(place)  # type: ignore[func-returns-value]

        logger.add(sys.stderr, level="WARNING", filter=new)
    return MODEL_REGISTRY_V2
