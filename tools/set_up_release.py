"""Makes `.venv-release` with the tools that write the lock files and the bill of materials, all by hash."""

from __future__ import annotations

from environment import ROOT, Environment, say


def main() -> None:
    venv = Environment(ROOT / ".venv-release")
    venv.make()
    say("installing the tools of a release")
    venv.install_locked(ROOT / "tools" / "release-lock.txt")
    say(f"done: {venv.folder}")


if __name__ == "__main__":
    main()
