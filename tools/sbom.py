"""Writes dist/sbom.cdx.json: what `.venv` holds, as a CycloneDX 1.6 bill of materials, validated against its schema.

The same environment gives the same bytes: no serial number, and a time only when SOURCE_DATE_EPOCH gives one.
"""

from __future__ import annotations

import json
import re
import subprocess

from environment import ROOT

CYCLONEDX = ROOT / ".venv-release" / "bin" / "cyclonedx-py"
TARGET = ROOT / "dist" / "sbom.cdx.json"


def version() -> str:
    text = (ROOT / "apollobench" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert found is not None
    return found.group(1)


def main() -> None:
    root = ("--pyproject", "pyproject.toml", "--mc-type", "library")
    form = ("--spec-version", "1.6", "--output-reproducible", "--validate")
    written = subprocess.run(
        [CYCLONEDX, "environment", *root, *form, ".venv"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    bill = json.loads(written.stdout)
    bill["metadata"]["component"]["version"] = version()  # pyproject.toml leaves it to hatchling
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(bill['components'])} packages")


if __name__ == "__main__":
    main()
