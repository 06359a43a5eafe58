"""Adds to `.venv` what tests of pages need: Playwright, axe-core, and a Chromium.

A Chromium on PATH is used as it is. Without one it comes from Playwright's own downloads, or, where those cannot be
reached and this runs as root on Debian or Ubuntu, from the distribution.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from environment import ROOT, Environment, say

NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    venv = Environment(ROOT / ".venv")
    venv.install_locked(ROOT / "tools" / "pages-lock.txt")
    venv.pip("check")
    if any(map(shutil.which, NAMES)):
        return
    say("installing Chromium")
    if subprocess.run([venv.python, "-m", "playwright", "install", "chromium"]).returncode == 0:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        sys.exit(f"set-up: no Chromium; install one so that {', '.join(NAMES[:2])} or {NAMES[2]} is on PATH")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]):
        if subprocess.run(["apt-get", "-qq", *words], env=environment, stdout=subprocess.DEVNULL).returncode != 0:
            sys.exit(f"set-up: failed: apt-get {' '.join(words)}")


if __name__ == "__main__":
    main()
