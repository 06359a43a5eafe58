"""Without lmms-eval the backend says what is missing and how to get it; nothing heavy is loaded for that."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from apollobench.errors import InputError
from apollobench.models.registry import check_model, readiness
from apollobench.models.roster import roster

without = pytest.mark.skipif(find_spec("lmms_eval") is not None, reason="lmms-eval is installed here")


@without
def test_a_missing_package_is_named_with_how_to_get_it() -> None:
    with pytest.raises(InputError, match=r"lmms-eval is not installed; .*\n.*apollobench\[lmms-eval\]'\n.*--no-deps"):
        check_model("lmms_eval:qwen2_5_vl")
    with pytest.raises(InputError, match="lmms-eval is not installed"):
        check_model("longva-7b")


@without
def test_models_of_the_roster_are_not_ready_without_it() -> None:
    assert readiness("longva-7b", roster()["longva-7b"]) == "no: lmms-eval is not installed"


def test_arguments_are_checked_first() -> None:
    with pytest.raises(InputError, match="secrets are read from the environment only"):
        check_model("lmms_eval:openai", {"api_key": "sk-1"})


def test_looking_at_the_backend_loads_nothing_heavy() -> None:
    script = (
        "import sys; import apollobench.models.backends.lmms_eval; "
        "heavy = {'torch', 'transformers', 'datasets', 'av', 'PIL', 'loguru', 'lmms_eval'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
