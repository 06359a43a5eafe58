"""The texts that lmms-eval and its model classes put in the place of an answer when there is none."""

from __future__ import annotations

import re

FAILURE = re.compile(
    r"\s*\[(LMMS_EVAL_REQUEST_FAILED|LMMS_EVAL_BUDGET_EXCEEDED|GENERATION_FAILED)|Video .*check the source$"
)
