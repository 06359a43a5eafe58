"""The shipped tiny model as vLLM serves it, beside the same weights in this process."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from apollobench.apollo.hf.export import export_apollo
from apollobench.models.apollo import ApolloModel, Options
from apollobench.models.roster import SHIPPED
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import Item

# For quick starts of engines inside the test process: nothing is compiled, no process is spawned, cores are shared.
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TORCH_COMPILE_DISABLE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("vllm") is None:
        absent = pytest.mark.skip(reason="vLLM is not installed here; `make test-vllm` sets up what these need")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(absent)


@pytest.fixture(scope="session")
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield patch


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that vLLM loads, in float32."""
    folder = tmp_path_factory.mktemp("exported") / "apollo-tiny"
    export_apollo(SHIPPED / "apollo-tiny", folder, dtype="float32")
    return folder


@pytest.fixture(scope="session")
def apollo(exported: Path) -> ApolloModel:
    """The same weights, run by transformers."""
    return ApolloModel.load("apollo-tiny", exported, Options(dtype="float32"))


@pytest.fixture(scope="session")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Questions on three rendered videos."""
    folder = tmp_path_factory.mktemp("world")
    make_world(folder, 3, 2_000_000, workers=1, progress=False)
    return [item for item in read_world(folder) if item.truth and not item.truth.flaw]
