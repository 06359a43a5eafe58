"""Plain data from a file as a pydantic model; whatever is wrong is told with file, line, place and the valid keys."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from apollobench.errors import InputError

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]
SHOWN = 200  # characters of a value in a message


def check(data: Any, name: str, schema: type[M], lines: Mapping[Place, int] | None = None, advice: str = "") -> M:
    """Plain data as `schema`. lines: where each place stands in the file `name`. advice: ends the message.

    Raises InputError naming file, line and place of everything that is wrong, and the valid keys.
    """
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        told = [_explain(each, name, schema, data, lines or {}) for each in error.errors()]
        raise InputError("\n".join([*told, *filter(None, [advice])])) from error


def _explain(error: ErrorDetails, name: str, schema: type[BaseModel], data: Any, lines: Mapping[Place, int]) -> str:
    place = _written(error["loc"], data) + ((error["loc"][-1],) if error["type"] == "missing" else ())
    line = next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), None)
    where = f"{name}:{line}" if line else name
    at = f" {dotted(place)}:" if place else ""
    if error["type"] == "extra_forbidden":
        keys = keys_of(_model_at(schema, error["loc"][:-1]))
        close = difflib.get_close_matches(str(error["loc"][-1]), keys.split(", "), n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        return f"{where}:{at} unknown key{hint}; valid keys here: {keys}"
    if error["type"] == "missing":
        return f"{where}:{at} missing; it has to be given"
    if error["type"] in ("union_tag_not_found", "union_tag_invalid"):
        tag, given = error["ctx"]["discriminator"].strip("'"), error["ctx"].get("tag")
        return f"{where}:{at} {tag} " + (
            f"is {given!r:.{SHOWN}}; valid: {error['ctx']['expected_tags']}" if given else "missing; it has to be given"
        )
    if error["type"] == "value_error":
        return f"{where}:{at} {error['ctx']['error']}"
    found = "" if isinstance(error["input"], dict) else f", found {error['input']!r:.{SHOWN}}"
    return f"{where}:{at} {error['msg']}{found}"


def _written(loc: tuple[Any, ...], data: Any) -> Place:
    """pydantic's location without the steps that stand for a branch of a union and not for a key in the file."""
    place: list[Any] = []
    for step in loc:
        if (isinstance(data, dict) and step in data) or (isinstance(data, list) and step in range(len(data))):
            data = data[step]
            place.append(step)
    return tuple(place)


def dotted(place: Place) -> str:
    """A place as messages write it: `select.quotas[2]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")


def keys_of(model: type[BaseModel] | None) -> str:
    """The valid keys of a model, for messages."""
    return ", ".join(model.model_fields) if model else ""


def _model_at(annotation: Any, loc: Place) -> type[BaseModel] | None:
    """The pydantic model that a location inside `annotation` belongs to."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _model_at(get_args(annotation)[0], loc)
    if origin in (Union, types.UnionType):
        models = [a for a in get_args(annotation) if _model_at(a, ()) is not None]
        tagged = [m for m in models if loc and _has_tag(m, loc[0])]
        return _model_at(tagged[0], loc[1:]) if tagged else (_model_at(models[0], loc) if models else None)
    if origin is not None:
        return _model_at(get_args(annotation)[-1 if origin in (dict, Mapping) else 0], loc[1:])
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return None
    if not loc:
        return annotation
    field = annotation.model_fields.get(str(loc[0]))
    return _model_at(field.annotation, loc[1:]) if field else None


def _has_tag(model: type[BaseModel], tag: str | int) -> bool:
    return any(tag in get_args(field.annotation) for field in model.model_fields.values())
