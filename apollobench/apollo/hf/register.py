"""Makes Apollo known to transformers as soon as transformers is there, without loading it."""

from __future__ import annotations

from importlib import import_module

import wrapt

HERE, AUTO = "apollobench.apollo.hf", "transformers.models.auto"


def register_when_imported() -> None:
    """The modules of this folder register their classes; each is imported after its Auto loader, or now if that is.

    The model follows with its first configuration: while transformers is being imported it is too early for it.
    """
    wrapt.register_post_import_hook(lambda _: import_module(f"{HERE}.config"), f"{AUTO}.configuration_auto")
    wrapt.register_post_import_hook(lambda _: import_module(f"{HERE}.processor"), f"{AUTO}.processing_auto")
