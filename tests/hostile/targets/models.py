"""Weights, videos and archives."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

from apollobench.errors import InputError

from .register import target


def _checkpoint(folder: Path) -> None:
    from apollobench.apollo.checkpoint import save_apollo

    from ... import tiny

    save_apollo(tiny.model((tiny.SIGLIP,)), tiny.tokenizer(), folder / "model")


@target("checkpoint", _checkpoint, ("config.json", "*.safetensors", "tokenizer*.json"))
def _weights(folder: Path, out: Path) -> None:
    from apollobench.apollo.checkpoint import load_apollo

    load_apollo(folder / "model")


@target("model configs", _checkpoint, ("config.json",))
def _configs(folder: Path, out: Path) -> None:
    from apollobench.apollo.checkpoint import load_config

    load_config(folder / "model")


def _exported(folder: Path) -> None:
    from apollobench.apollo.hf.export import export_apollo

    _checkpoint(folder)
    export_apollo(folder / "model", folder / "exported")
    shutil.rmtree(folder / "model")


@target("exported config", _exported, ("config.json",))
def _export(folder: Path, out: Path) -> None:
    from apollobench.apollo.checkpoint import load_config

    load_config(folder / "exported")


def _video(folder: Path) -> None:
    from ...video.conftest import write_clip

    write_clip(folder / "plain.mp4", frames=24)
    write_clip(folder / "turned.mp4", frames=12, rotation=90, audio=True)
    write_clip(folder / "pieces.mp4", frames=12, container_options={"movflags": "frag_keyframe+empty_moov"})
    write_clip(folder / "other.mkv", frames=12)
    write_clip(folder / "web.webm", frames=8, codec="libvpx")
    write_clip(folder / "old.avi", frames=12, codec="mpeg4")


@target("videos", _video)
def _decode(folder: Path, out: Path) -> None:
    from apollobench.types import Sampling
    from apollobench.video.decode import decode
    from apollobench.video.plan import plan
    from apollobench.video.probe import probe

    errors = []
    for path in sorted(folder.iterdir()):
        if path.suffix in VIDEOS:
            try:
                shape = probe(path)
                decode(shape, plan(shape, Sampling("uniform", 4, clip_frames=1)).indices, (64, 64))
            except InputError as error:
                errors.append(error)
    if errors:
        raise errors[0]


VIDEOS = (".mp4", ".mkv", ".webm", ".avi")


@target("doctor", _video)
def _doctor(folder: Path, out: Path) -> None:
    """What `doctor` does in its own processes; nothing at all may be raised."""
    from apollobench.video.examine import examine

    for path in sorted(folder.iterdir()):
        found = examine(path)
        assert all(finding.text.isprintable() for finding in found.findings), found


def _archives(folder: Path) -> None:
    videos = {f"deep/v{n}.mp4": bytes([n]) * 3000 for n in range(3)}
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/v0.mp4", videos["deep/v0.mp4"])
        archive.writestr("../up/v3.mp4", b"evil")
    for name, mode in (("b.tar", "w"), ("c.tar.gz", "w:gz")):
        with tarfile.open(folder / name, mode) as tar:  # type: ignore[call-overload]
            for member, content in list(videos.items())[1:]:
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, BytesIO(content))


@target("fetch", _archives)
def _fetch(folder: Path, out: Path) -> None:
    from apollobench.fetching.job import check_room, fetch
    from apollobench.fetching.plan import make_plan
    from apollobench.sources.base import Supply

    for path in folder.iterdir():
        (out / "clips").mkdir(exist_ok=True)
        shutil.copyfile(path, out / "clips" / path.name)
    supply = Supply(
        "videos",
        out / "clips" / "videos",
        "clips/videos",
        ("v0.mp4", "v1.mp4", "v2.mp4"),
        (),
        None,
        ("*.zip", "*.tar*"),
        True,
    )
    plan = make_plan("clips", supply, out, lambda _: None)
    check_room([plan], None)
    fetch([plan], out, lambda _: None, workers=1)
