"""Reads a YAML file into a pydantic model; whatever is wrong is reported with file, line, place and the valid keys.

Files may come from strangers: only plain values are made of them, nothing is nested or repeated without end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

from apollobench.errors import InputError
from apollobench.schema import SHOWN, M, Place, check, dotted, keys_of

DEEPEST, LONGEST_NUMBER = 64, 256  # levels, bits
NO_TEXT = re.compile(r"[\ud800-\udfff\0]")  # what escapes can say, and no file and no file's name can hold


class Loader(yaml.SafeLoader):
    """YAML without aliases, which can make a short file a huge or an endless one, and only so deep.

    Whatever a value cannot be made of is an error with its line, also where PyYAML would break off with another one.
    """

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise ComposerError(None, None, f"alias *{event.anchor}; write its value out", _mark(event))
        self._depth += 1
        if self._depth > DEEPEST:
            raise ComposerError(None, None, f"nested more than {DEEPEST} levels deep", _mark(event))
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            kind = node.tag.rpartition(":")[2]
            raise ConstructorError(None, None, f"{node.value!r:.{SHOWN}} is no {kind}", node.start_mark) from error
        if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
            raise ConstructorError(None, None, "a number without measure", node.start_mark)
        if isinstance(value, str) and NO_TEXT.search(value):
            raise ConstructorError(None, None, "text with half a character or a null", node.start_mark)
        return value


def _mark(event: Any) -> Any:
    return event.start_mark


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


def load_yaml(text: str, name: str, loader: type[Loader] = Loader) -> Any:
    """The plain value of a text; `name` is what errors call it. Raises InputError naming the line."""
    return _load(text, name, loader)[1]


def _load(text: str, name: str, kind: type[Loader]) -> tuple[yaml.Node | None, Any]:
    try:
        loader = kind(text)
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{name}{line}: not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{name}: not valid YAML: {error}") from error


def parse_yaml(text: str, name: str, schema: type[M], overrides: Mapping[str, Any] | None = None) -> M:
    """`text` as `schema`; `name` is what errors call it. overrides: dotted place -> value put in before validation."""
    node, data = _load(text, name, Loader)
    if not isinstance(data, dict) or node is None:
        raise InputError(f"{name}: expected keys and values at the top, one of: {keys_of(schema)}")
    lines: dict[Place, int] = {}
    for place, number in _walk(node):
        if place in lines:
            raise InputError(f"{name}:{number}: {dotted(place)} is given twice (first on line {lines[place]})")
        lines[place] = number
    for name_of, value in (overrides or {}).items():
        put(data, name_of, value)
    return check(data, name, schema, lines)


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


def put(data: dict[str, Any], dotted: str, value: Any) -> None:
    """Sets the value at a dotted place, making sections that are not there."""
    *sections, last = dotted.split(".")
    for section in sections:
        inner = data.setdefault(section, {})
        if not isinstance(inner, dict):
            return  # the validation that follows names the section that is not one
        data = inner
    data[last] = value
