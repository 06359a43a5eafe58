"""Sorts items into the five categories.

A category comes from a person's decision, else from the source's own label through `curation/categories.yaml`, else
from the recipe's method: `native` (an error for an item that has neither), `text` (a classifier that learns from those
that have), or `http` (a language model behind a server). Each method is one file here and registers its function.
"""

from apollobench.curate.categorize.base import CATEGORIZERS, Categorized, Quality, Sorting
from apollobench.curate.categorize.labels import Categories, NativeLabels, by_label, read_categories
from apollobench.curate.categorize.sort import categorize

__all__ = [
    "CATEGORIZERS",
    "Categories",
    "Categorized",
    "NativeLabels",
    "Quality",
    "Sorting",
    "by_label",
    "categorize",
    "read_categories",
]
