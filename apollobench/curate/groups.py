"""Items in groups, by what they are: their source, category, number of options, or a label of the source's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from apollobench.curate.answers import Bools
from apollobench.errors import InputError
from apollobench.types import Item

NO_LABEL = "(none)"
KINDS: Mapping[str, Callable[[Item], str]] = {
    "source": lambda item: item.source,
    "category": lambda item: item.category or NO_LABEL,
    "options": lambda item: f"{len(item.options)} options",
}


def item_labels(items: Sequence[Item], by: str) -> list[str]:
    """Per item its source, category, number of options, or the value of the native label `by`.

    Raises InputError listing what there is when no item has such a label.
    """
    if by in KINDS:
        return [KINDS[by](item) for item in items]
    native = sorted({name for item in items for name in item.native})
    if by not in native:
        raise InputError(f"no item has the label {by!r}; valid groups: {', '.join([*KINDS, *native])}")
    return [item.native.get(by) or NO_LABEL for item in items]


def groups_of(labels: Sequence[str]) -> dict[str, Bools]:
    """Label -> which items have it [items], in order of appearance; before them all, where there are several."""
    names = np.array(labels)
    found = {name: names == name for name in dict.fromkeys(labels)}
    return found if len(found) == 1 else {"all": np.ones(len(labels), dtype=np.bool_), **found}
