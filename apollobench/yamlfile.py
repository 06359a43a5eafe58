"""Reads a YAML file into a pydantic model; whatever is wrong is reported with file, line, place and the valid keys."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from apollobench.errors import InputError

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]


def read_yaml(path: Path, schema: type[M]) -> M:
    """The content of `path` as `schema`. Raises InputError naming file, line and place of everything that is wrong."""
    return parse_yaml(read_text(path), str(path), schema)


def read_text(path: Path) -> str:
    """The text of a UTF-8 file. Raises InputError naming the file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a UTF-8 text file ({error})") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def parse_yaml(text: str, name: str, schema: type[M], overrides: Mapping[str, Any] | None = None) -> M:
    """`text` as `schema`; `name` is what errors call it. overrides: dotted place -> value put in before validation."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{name}{line}: not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{name}: not valid YAML: {error}") from error
    if not isinstance(data, dict) or node is None:
        raise InputError(f"{name}: expected keys and values at the top, one of: {_keys(schema)}")
    lines: dict[Place, int] = {}
    for place, number in _walk(node):
        if place in lines:
            raise InputError(f"{name}:{number}: {_dotted(place)} is given twice (first on line {lines[place]})")
        lines[place] = number
    for dotted, value in (overrides or {}).items():
        _put(data, dotted, value)
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        raise InputError("\n".join(_explain(e, name, schema, data, lines) for e in error.errors())) from error


def _walk(node: yaml.Node, place: Place = ()) -> Iterator[tuple[Place, int]]:
    """Every place under `node` with its line, counted from 1."""
    children: list[tuple[str | int, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        children = [(key.value, key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(i, value, value) for i, value in enumerate(node.value)]
    for step, shown, child in children:
        yield (*place, step), shown.start_mark.line + 1
        yield from _walk(child, (*place, step))


def _put(data: dict[str, Any], dotted: str, value: Any) -> None:
    *sections, last = dotted.split(".")
    for section in sections:
        inner = data.setdefault(section, {})
        if not isinstance(inner, dict):
            return  # the validation that follows names the section that is not one
        data = inner
    data[last] = value


def _explain(error: ErrorDetails, name: str, schema: type[BaseModel], data: Any, lines: dict[Place, int]) -> str:
    place = _written(error["loc"], data) + ((error["loc"][-1],) if error["type"] == "missing" else ())
    line = next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), None)
    where = f"{name}:{line}" if line else name
    at = f" {_dotted(place)}:" if place else ""
    if error["type"] == "extra_forbidden":
        keys = _keys(_model_at(schema, error["loc"][:-1]))
        close = difflib.get_close_matches(str(error["loc"][-1]), keys.split(", "), n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        return f"{where}:{at} unknown key{hint}; valid keys here: {keys}"
    if error["type"] == "missing":
        return f"{where}:{at} missing; it has to be given"
    if error["type"] == "value_error":
        return f"{where}:{at} {error['ctx']['error']}"
    found = "" if isinstance(error["input"], dict) else f", found {error['input']!r}"
    return f"{where}:{at} {error['msg']}{found}"


def _written(loc: tuple[Any, ...], data: Any) -> Place:
    """pydantic's location without the steps that stand for a branch of a union and not for a key in the file."""
    place: list[Any] = []
    for step in loc:
        if (isinstance(data, dict) and step in data) or (isinstance(data, list) and isinstance(step, int)):
            data = data[step]
            place.append(step)
    return tuple(place)


def _dotted(place: Place) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")


def _keys(model: type[BaseModel] | None) -> str:
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
