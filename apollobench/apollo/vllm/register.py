"""The entry point of vLLM's plugins: every process of vLLM calls it once, before it reads a config."""

from __future__ import annotations

from apollobench.apollo.hf.layout import ARCHITECTURE


def register() -> None:
    """Makes vLLM know the config, the model (imported when it is first needed) and the video loader."""
    from vllm import ModelRegistry

    from apollobench.apollo.hf import config  # noqa: F401  (registers itself with transformers)
    from apollobench.apollo.vllm import loader  # noqa: F401  (registers itself with vLLM)

    if ARCHITECTURE not in ModelRegistry.get_supported_archs():
        ModelRegistry.register_model(ARCHITECTURE, f"apollobench.apollo.vllm.model:{ARCHITECTURE}")
