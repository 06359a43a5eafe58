"""Pictures in messages to services: each is encoded for itself.

lmms-eval 0.7.3 remembers encoded pictures by `id()`, and lets each frame of a video go before it makes the next. Where
the next one gets the same place in memory, the frame before is sent in its stead, now and then and without a word.
"""

from __future__ import annotations

from functools import wraps
from typing import Any


def keep_apart() -> None:
    """Let lmms-eval remember only pictures that it reads from files, in this process."""
    from lmms_eval.protocol import ChatMessages

    encode = ChatMessages.encode_image
    if hasattr(encode, "__wrapped__"):
        return

    @wraps(encode)
    def fresh(messages: Any, image: Any, cache: Any = None, *more: Any, **named: Any) -> Any:
        return encode(messages, image, cache if isinstance(image, str) else None, *more, **named)

    ChatMessages.encode_image = fresh
