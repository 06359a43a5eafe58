"""Fills in the templates of `templates/`. Whatever is put into a page is text: markup in a question stays text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apollobench import __version__
from apollobench.report.tables import percent, with_interval

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"
# Of every page. Scripts and styles are files, never inline, so that text which got into a page as markup could not run.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)


def page(template: str, values: Mapping[str, Any], static: str = "static") -> str:
    """A whole page. static: where its styles and scripts lie, as an address relative to the page, or from the root.

    A name that the template uses and `values` lacks is an error.
    """
    return _environment().get_template(template).render(**values, static=static, version=__version__)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("apollobench.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(percent=percent, with_interval=with_interval)
    return environment
