"""Finds what the benchmark is (recipes, tasks, results): inside the package in a wheel, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from apollobench.errors import InputError

_PACKAGE = Path(__file__).resolve().parent


def content_path(*parts: str) -> Path:
    """The path of a shipped file or folder, for example `content_path("curation", "synthetic.yaml")`.

    Raises InputError when neither the package nor the checkout around it holds it.
    """
    places = [_PACKAGE.joinpath(*parts)]
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        places.append(_PACKAGE.parent.joinpath(*parts))
    for place in places:
        if place.exists():
            return place
    searched = " and ".join(str(place) for place in places)
    raise InputError(
        f"{'/'.join(parts)} is not part of this installation (looked at {searched}); reinstall apollobench"
    )
