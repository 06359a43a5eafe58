"""What hostile files are fed to: every reader of the package that takes what others wrote, by name."""

from . import benchmarks, models, recipes, records, results, sources  # noqa: F401
from .register import TARGETS

__all__ = ["TARGETS"]
