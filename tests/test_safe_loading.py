"""No file can run code: what could, the package's source does not call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# Functions by their full names, as far as the source shows them; what a module's name stands for is in IMPORTS.
FORBIDDEN = {
    "eval": "runs code",
    "exec": "runs code",
    "compile": "makes code",
    "__import__": "runs a module that data may name",
    "os.system": "runs a shell",
    "os.popen": "runs a shell",
    "pickle.load": "runs what a pickle says",
    "pickle.loads": "runs what a pickle says",
    "pickle.Unpickler": "runs what a pickle says",
    "marshal.loads": "reads code",
    "shelve.open": "reads pickles",
    "dill.load": "reads pickles",
    "joblib.load": "reads pickles",
    "pandas.read_pickle": "reads pickles",
    "yaml.unsafe_load": "makes any object",
    "yaml.full_load": "makes objects",
    "yaml.load_all": "makes objects",
    "xml.etree.ElementTree.parse": "expands entities without end",
    "tempfile.mktemp": "gives a name that anyone may take",
}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name that is called, imports resolved."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    known.setdefault("np", "numpy")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            parts, called = [], node.func
            while isinstance(called, ast.Attribute):
                parts.append(called.attr)
                called = called.value
            if isinstance(called, ast.Name):
                yield ".".join([known.get(called.id, called.id), *reversed(parts)]), node


def given(call: ast.Call, name: str) -> object:
    """The constant that an argument is given as, or ... where it is no constant or not given."""
    found = next((word.value for word in call.keywords if word.arg == name), None)
    return found.value if isinstance(found, ast.Constant) else ...


def faults(path: Path) -> Iterator[str]:
    for name, call in calls(path):
        if name in FORBIDDEN:
            yield f"{path}:{call.lineno}: {name} {FORBIDDEN[name]}"
        if name == "yaml.load":
            yield f"{path}:{call.lineno}: yaml.load; use apollobench.yamlfile, which refuses aliases too"
        if name == "yaml.safe_load":
            yield f"{path}:{call.lineno}: yaml.safe_load; use apollobench.yamlfile, which refuses aliases too"
        if name == "torch.load" and given(call, "weights_only") is not True:
            yield f"{path}:{call.lineno}: torch.load without weights_only=True"
        if name == "numpy.load" and given(call, "allow_pickle") not in (..., False):
            yield f"{path}:{call.lineno}: numpy.load with pickles"
        if given(call, "shell") not in (..., False):
            yield f"{path}:{call.lineno}: {name} with a shell"
        if given(call, "trust_remote_code") not in (..., False):
            yield f"{path}:{call.lineno}: {name} runs code that lies beside the weights"
        if name.endswith("from_pretrained") and name.startswith("Auto") and given(call, "trust_remote_code") is ...:
            yield f"{path}:{call.lineno}: {name} without trust_remote_code=False"
        if name == "jinja2.Environment" and given(call, "autoescape") is not True:
            yield f"{path}:{call.lineno}: jinja2.Environment without autoescape=True"
        if name.rpartition(".")[2] in ("extractall", "unpack_archive"):
            yield f"{path}:{call.lineno}: {name} writes wherever an archive says"


def test_the_source_calls_nothing_that_runs_data(root: Path) -> None:
    sources = [*(root / "apollobench").rglob("*.py"), *(root / "tasks").rglob("*.py"), root / "cli.py"]
    assert len(sources) > 200
    assert [fault for path in sources for fault in faults(path)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import yaml\nyaml.load(text, yaml.Loader)",
        "from yaml import safe_load as read\nread(text)",
        "import pickle as p\np.loads(data)",
        "from pickle import loads\nloads(data)",
        "import torch\ntorch.load(path)",
        "import torch\ntorch.load(path, weights_only=False)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import subprocess\nsubprocess.run(line, shell=True)",
        "eval(text)",
        "tar.extractall(folder)",
        "from jinja2 import Environment\nEnvironment(loader=loader)",
        "Model.from_pretrained(path, trust_remote_code=True)",
        "import os\nos.system(line)",
    ],
)
def test_the_search_finds_each(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(text)
    assert len(list(faults(tmp_path / "a.py"))) == 1
