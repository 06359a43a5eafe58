"""What campaigns have found, one by one: each of these ended in a traceback, took without end, or went unnoticed."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apollobench.arguments import categorizer_changes, parse_model_args
from apollobench.benchmark import Benchmark, load_benchmark
from apollobench.curate.recorded import read_matrices
from apollobench.errors import InputError
from apollobench.evaluate.results import read_results
from apollobench.fetching.archives import read_members
from apollobench.fetching.stores import LocalFile
from apollobench.imports.archive import open_archive, read_member
from apollobench.jsonfile import load_object, loads
from apollobench.models.http.replies import option_logprobs
from apollobench.parquetfile import read_rows
from apollobench.recipe import load_recipe
from apollobench.report.leaderboard import measured_row
from apollobench.sources import load_items
from apollobench.sources.reading.subtitles import read_cues, read_srt
from apollobench.training.recipe import load_training
from apollobench.video.probe import probe
from apollobench.yamlfile import DEEPEST, load_yaml

from ..made import answered, world
from ..video.conftest import write_clip
from .mutate import treewise
from .targets import TARGETS

LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 2001-99-99", "mine.yaml:1: .*'2001-99-99' is no timestamp"),
        ("a: 1\nb: !!int x", "mine.yaml:2: .*'x' is no int"),
        ("a: !!int ''", "mine.yaml:1: .*'' is no int"),
        ("a: !!bool x", "mine.yaml:1: .*'x' is no bool"),
        ("a: !!timestamp x", "mine.yaml:1: .*'x' is no timestamp"),
        (f"a: {'9' * 5000}", "mine.yaml:1: .*is no int"),
        (f"a: 0x{'f' * 100}", "mine.yaml:1: .*a number without measure"),
        ("a: &b [*b]", r"mine.yaml:1: .*alias \*b"),
        (LAUGHS, r"mine.yaml:2: .*alias \*a; write its value out"),
        ("a: " + "[" * 3000, f"mine.yaml:1: .*nested more than {DEEPEST} levels deep"),
        ("{a: " * 3000, f"mine.yaml:1: .*nested more than {DEEPEST} levels deep"),
        ("a: !!python/object/apply:os.system [true]", "mine.yaml:1: .*could not determine a constructor"),
        ("? {a: b}\n: c", "mine.yaml:1: .*unhashable"),
        ('a: "\\ud800"', "mine.yaml:1: .*half a character"),
        ('a: "x\\0"', "mine.yaml:1: .*half a character or a null"),
        ("a: [", "mine.yaml:1: not valid YAML"),
    ],
)
def test_yaml(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        load_yaml(text, "mine.yaml")


def test_a_categorizer_s_argument_is_yaml_too(root: Path) -> None:
    with pytest.raises(InputError, match=r"--categorizer_args c:1: not valid YAML"):
        categorizer_changes(load_recipe("synthetic"), "text", "c=[")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (r'{"a": "\ud800"}', r"half a character \(\\ud800\)"),
        ('{"a": 1e999}', "the number 1e999 is out of range"),
        (f'{{"a": {"9" * 200}}}', "a number of 200 digits"),
        (f'{{"a": {"9" * 5000}}}', "a number of 5000 digits"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", r"not a JSON object but \[\]"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_json(text: str | bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        load_object(text)


def test_a_pair_of_one(tmp_path: Path) -> None:
    TARGETS["training recipe"].plant(tmp_path)
    path = tmp_path / "three-stage.yaml"
    path.write_text(path.read_text().replace("betas: [0.9, 0.999]", "betas: [0.9]"))
    with pytest.raises(InputError, match=r"three-stage\.yaml:\d+: optimizer\.betas\[1\]: missing"):
        load_training(str(path))


def test_json_keeps_what_is_sound() -> None:
    sound = {"pair": "\U0001f600", "whole": 2**70, "float": 1.5e300, "escaped": '\\ud800 and "9"'}
    assert loads(json.dumps(sound)) == sound


def test_parquet_by_its_columns(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.string()), ("n", pa.int8())])
    path = tmp_path / "a.parquet"

    def read(**columns: Any) -> list[dict[str, Any]]:
        pq.write_table(pa.table(columns), path)
        return read_rows(path, "fetch it again", schema, {"id"})

    assert read(id=["a"], n=[3], more=[1.5]) == [{"id": "a", "n": 3}]
    assert read(id=["a"]) == [{"id": "a", "n": None}]
    for columns, told in (
        ({"n": [1]}, "column id is there 0 times"),
        ({"id": [None]}, "column id is empty in 1 rows"),
        ({"id": ["a"], "n": [300]}, "column n is of type int64, expected int8"),
        ({"id": ["a"], "n": [["x"]]}, r"column n is of type list<.*expected int8"),
    ):
        with pytest.raises(InputError, match=rf"a.parquet: {told}.*fetch it again"):
            read(**columns)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"a\.parquet: cannot be read as Parquet"):
        read_rows(path, "fetch it again")


def test_parquet_that_is_no_text_and_parquet_that_swells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    raw = pa.array([b"\xff\xfe"], pa.binary())
    text = pa.StringArray.from_buffers(1, raw.buffers()[1], raw.buffers()[2])
    pq.write_table(pa.table({"id": text}), path)
    with pytest.raises(InputError, match=r"a.parquet: cannot be read as Parquet \(.*UTF8"):
        read_rows(path, "fetch it again")
    pq.write_table(pa.table({"id": ["x" * 1000] * 1000}), path)
    monkeypatch.setattr("apollobench.parquetfile.LIMIT", 100)
    with pytest.raises(InputError, match=r"a\.parquet: would take .* bytes of memory, more than 100"):
        read_rows(path, "fetch it again")


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    TARGETS["benchmark"].plant(tmp_path)
    return tmp_path / "bench"


def _mended(bench: Path) -> Benchmark:
    mend = TARGETS["benchmark"].mend
    assert mend is not None
    mend(bench.parent)
    return load_benchmark(bench)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"answer": 7}, "001-1: its answer is number 7 of the options"),
        ({"options": ["a", None]}, "its answer is number 1 of the options .*None"),
        ({"native": "[1]"}, "its native labels: not a JSON object"),
        ({"native": '{"a": 1}'}, "its native labels are .*expected texts"),
        ({"needs": "luck"}, "needs is 'luck'"),
        ({"question": None}, "column question is empty in 1 rows"),
    ],
)
def test_rows_of_a_benchmark(bench: Path, change: dict[str, Any], told: str) -> None:
    path = bench / "items.parquet"
    rows = pq.read_table(path).to_pylist()
    pq.write_table(pa.Table.from_pylist([rows[0], {**rows[1], **change}]), path)
    with pytest.raises(InputError, match=rf"items.parquet: .*{told}"):
        _mended(bench)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"media_root": 3}, "media_root: .* found 3"),
        ({"files": ["items.parquet"]}, "files: .*valid dictionary"),
        ({"panel": [{"model": "m"}]}, "revision: missing"),
        ({"panel": 5}, "panel: .* found 5"),
        ({"recipe": {"text": 5}}, "recipe.text: .* found 5"),
        ({"review": {"keys": {"a/1": {"key": "?"}}}}, "key: .*pattern"),
        ({"files": {"../../x": "0"}}, "files.*pattern"),
    ],
)
def test_a_benchmark_s_manifest(bench: Path, change: dict[str, Any], told: str) -> None:
    path = bench / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=rf"manifest.json: .*{told}"):
        _mended(bench)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda ours: ours.pop("items_digest"), "items_digest: missing"),
        (lambda ours: ours["modes"]["video"]["statuses"].pop("error"), "statuses.error: missing"),
        (lambda ours: ours["modes"]["video"].update(macro={"value": "x"}), "macro"),
        (lambda ours: ours.update(imported={"files": [{}]}), "imported.files.* missing"),
        (lambda ours: ours["model"].update(name=None), "model.name"),
        (lambda ours: ours["modes"].update(dream={}), "modes"),
        (lambda ours: ours["modes"]["video"]["overall"].pop("level"), "overall.level: missing"),
        (lambda ours: ours["modes"]["video"]["overall"].update(low="0.5"), "overall.low: .*found '0.5'"),
        (lambda ours: ours["modes"]["video"]["statuses"].update(error="1"), "statuses.error: .*found '1'"),
    ],
)
def test_results(tmp_path: Path, change: Callable[[dict[str, Any]], object], told: str) -> None:
    folder = answered(tmp_path, "m", lambda n: n % 2 > 0, world(8))
    path = folder / "results.json"
    document = json.loads(path.read_text())
    change(document["apollobench"])
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=rf"results.json: .*{told}"):
        read_results(folder)


def test_results_that_say_more_or_nothing(tmp_path: Path) -> None:
    folder = answered(tmp_path, "m", lambda n: n % 2 > 0, world(8))
    path = folder / "results.json"
    document = json.loads(path.read_text())
    video = document["apollobench"]["modes"]["video"]
    video["overall"]["0"] = 0.95
    video["categories"] = dict.fromkeys(video["categories"])
    path.write_text(json.dumps(document))
    assert read_results(folder).samples
    assert measured_row(folder)["OCR"] == ""


def test_a_server_s_huge_number() -> None:
    choice = {"logprobs": {"content": [{"top_logprobs": [{"token": "A", "logprob": -(10**400)}]}]}}
    assert option_logprobs(choice, 1) is None


def test_a_member_without_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"content")
    path.write_bytes(path.read_bytes().replace(b"x", b"\0"))
    _, (member,) = read_members(LocalFile(path), tmp_path)
    assert member.name == ""


def test_options_that_are_no_number(tmp_path: Path) -> None:
    TARGETS["recorded scores"].plant(tmp_path)
    path = tmp_path / "items.csv"
    sound = path.read_text()
    for count in (" ", "x", "-1", "nan", "1e400", "9" * 5000):
        path.write_text(sound.replace("i5,v1,OCR,4", f"i5,v1,OCR,{count}"))
        with pytest.raises(InputError, match=r"items.csv: item 'i5': found n_options "):
            read_matrices(tmp_path)


def test_huge_numbers_divide_in_a_mutation() -> None:
    """The campaign's own fault: JSON numbers may be larger than any float."""
    tree = {"a": 10**400}
    assert {type(treewise(Random(seed), tree)) for seed in range(300)} >= {dict}


def test_tags_of_a_video_in_any_encoding(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "tagged.mp4", frames=12)
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b"Lavf", b"Lav\xe9"))
    assert path.read_bytes() != sound
    assert probe(path).frames == 12


def test_subtitles(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    for content, told in (
        (b"1\n00:00:01 --> 2\n\xff", "not a UTF-8 text file"),
        (f"1\n{'9' * 5000}:01 --> 2\nx".encode(), "found the time '9999"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"a.srt: {told}"):
            list(read_srt(path))
    path = tmp_path / "a.json"
    for cue in ({"start": 5, "line": "x"}, {"timestamp": "x", "text": "y"}, {"timestamp": [10**400], "text": "y"}, 5):
        path.write_text(json.dumps([cue]))
        with pytest.raises(InputError, match=r"a\.json"):
            list(read_cues(path))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("include: clips.yaml\ntask: clips\n", "clips.yaml: includes .*clips.yaml, which leads back to it"),
        ("include: ../../secret.yaml\ntask: clips\n", "clips.yaml: includes .*secret.yaml, which is no task"),
        ('include: "\\ud800"\ntask: clips\n', "clips.yaml:1: .*half a character"),
        ("include: [a]\ntask: clips\n", "clips.yaml: not the YAML of a task"),
        ("task: clips\ndataset_path: a/b\ntest_split: 2001-99-99\n", "clips.yaml:3: .*is no timestamp"),
        ("task: clips\ndataset_path: a/b\ntest_split: [x]\n", r"clips.yaml: test_split: .*found \['x'\]"),
        ("task: clips\ndataset_path: a/b\ndataset_kwargs: 5\n", "clips.yaml: dataset_kwargs: .*found 5"),
    ],
)
def test_tasks_of_lmms_eval(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "tasks" / "deep").mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text("password: x\n")
    (tmp_path / "tasks" / "deep" / "clips.yaml").write_text(text)
    (tmp_path / "tasks" / "a.yaml").write_bytes(b"\xff\xfe not UTF-8")
    with pytest.raises(InputError, match=told) as caught:
        load_items("lmms:clips", {"tasks": str(tmp_path / "tasks"), "answer_is": "letter"}, tmp_path)
    assert "password" not in str(caught.value)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    TARGETS["model configs"].plant(tmp_path)
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("llm", {"num_hidden_layers": 10**9}, "num_hidden_layers: .*less than or equal to 1000"),
        ("llm", {"hidden_size": "wide"}, "hidden_size: .*found 'wide'"),
        ("llm", {"num_attention_heads": 0}, "num_attention_heads: .*greater than or equal to 1"),
        ("llm", {"rms_norm_eps": "small"}, "rms_norm_eps"),
        ("mm_connector", {"resampler_depth": -1}, "resampler_depth: .*greater than or equal to 1"),
        ("mm_connector", {"num_output_tokens": None}, "num_output_tokens: .*found None"),
        ("vision_tower", {"vision_towers": 5}, "vision_towers: .*found 5"),
        ("vision_tower", {"vision_towers": ["../../x"]}, "vision_towers.0: .*pattern"),
        ("vision_tower/siglip-tiny", {"patch_size": 0}, "patch_size: .*greater than or equal to 1"),
        (".", {"clip_duration": [2]}, "clip_duration: .*found"),
        (".", {"apollobench": {"sampling": {"kind": "clips", "max_clips": -3}}}, "sampling.max_clips is -3"),
        (".", {"apollobench": {"sampling": {"kind": "dream"}}}, "kind: .*found 'dream'"),
        (".", {"mm_vision_select_layer": "x"}, "mm_vision_select_layer: .*found 'x'"),
    ],
)
def test_configs_of_a_checkpoint(checkpoint: Path, file: str, change: dict[str, Any], told: str) -> None:
    from apollobench.apollo.checkpoint import load_config

    path = checkpoint / file / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=rf"config.json: .*{told}"):
        load_config(checkpoint)


def test_tokenizers_and_headers_of_weights(checkpoint: Path) -> None:
    from apollobench.apollo.checkpoint import load_apollo

    tokenizer = checkpoint / "llm" / "tokenizer.json"
    sound = tokenizer.read_text()
    tokenizer.write_text(sound.replace('"type": "BPE"', '"type": "BPF"').replace('"type":"BPE"', '"type":"BPF"'))
    assert tokenizer.read_text() != sound
    with pytest.raises(InputError, match="llm: no readable tokenizer"):
        load_apollo(checkpoint)
    tree = json.loads(sound)
    tree["model"]["vocab"]["("] = 2**31
    tokenizer.write_text(json.dumps(tree))
    with pytest.raises(InputError, match="llm: no readable tokenizer: a token has the number 2,147,483,648"):
        load_apollo(checkpoint)
    tokenizer.write_text(sound)
    weights = checkpoint / "llm" / "model.safetensors"
    content = weights.read_bytes()
    for length in (0, 2**31, 2**63, 2**64 - 1):
        weights.write_bytes(struct.pack("<Q", length) + content[8:])
        with pytest.raises(InputError, match=r"model\.safetensors: damaged or not a safetensors file"):
            load_apollo(checkpoint)


def test_conversations_register_and_worlds(tmp_path: Path) -> None:
    from apollobench.sources.synthetic.make import read_world
    from apollobench.training.recipe import DataFile
    from apollobench.training.records import open_records
    from apollobench.video.register import REGISTER, Register

    turns = [{"from": "human", "value": "?"}, {"from": "gpt", "value": "!"}]
    for video in (5, {"a": 1}, True):
        (tmp_path / "talk.json").write_text(json.dumps([{"id": 1, "video": video, "conversations": turns}]))
        with pytest.raises(InputError, match="must be a path or a list of paths"):
            open_records(DataFile(name="t", file=str(tmp_path / "talk.json"), root=str(tmp_path), kind="video"))
    for told in ("[" * 100_000, '"\\ud800"', "1e999"):
        for name in ("talk.json", "talk.jsonl"):
            record = f'{{"id": {told}, "video": "v.mp4", "conversations": {json.dumps(turns)}}}'
            (tmp_path / name).write_text(f"[{record}]" if name == "talk.json" else record)
            with pytest.raises(InputError, match=rf"{name}: not valid: "):
                open_records(DataFile(name="t", file=str(tmp_path / name), root=str(tmp_path), kind="video"))
    row = {"version": 1, "path": "a.mp4", "size": 1, "modified": 1, "digest": "d", "facts": None}
    (tmp_path / REGISTER).write_text(json.dumps({**row, "findings": [{"kind": "rotated", "text": 5}]}) + "\n[[[\n")
    with Register(tmp_path) as register:
        assert not register.records
    (tmp_path / "world.json").write_text("{}")
    (tmp_path / "items.jsonl").write_text(
        json.dumps({"id": "a/1", "question": 5, "options": ["x"], "video": "v"}) + "\n"
    )
    with pytest.raises(InputError, match=r"items.jsonl line 1: .*question"):
        read_world(tmp_path)


def test_tempcompass_of_any_shape(tmp_path: Path) -> None:
    for content in ({"v": {"d": 5}}, {"v": 5}, {"v": {"d": [5, {"question": 1}]}}):
        (tmp_path / "multi-choice.json").write_text(json.dumps(content))
        with pytest.raises(InputError, match=r"multi-choice\.json"):
            load_items("tempcompass", {"data": str(tmp_path / "multi-choice.json")}, tmp_path)
    pq.write_table(pa.table({"video_id": [{"a": 1}], "question": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet"):
        load_items("tempcompass", {"data": str(tmp_path / "a.parquet")}, tmp_path)


def test_an_archive_whose_directory_points_nowhere(tmp_path: Path) -> None:
    """The long campaign's case 43 of Inspect logs, seed 1: an offset that no file has."""
    from apollobench.imports.inspect_log import read

    TARGETS["import Inspect logs"].plant(tmp_path)
    path = tmp_path / "log.eval"
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x05\x06")
    struct.pack_into("<I", content, place + 16, 2**32 - 2)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"log\.eval: a damaged ZIP file"):
        list(read(path))


def test_archives_of_a_strange_version_name_or_stream(tmp_path: Path) -> None:
    """The fuzzer's: zipfile has an error of another kind for each."""
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("é", b"content, content, content")
    sound = path.read_bytes()
    directory = sound.index(b"PK\x01\x02")
    stream = 30 + len("é".encode())
    for changed in (
        sound[: directory + 6] + b"\xeb" + sound[directory + 7 :],
        sound.replace("é".encode(), b"\xc3("),
        sound[:stream] + b"\xff" + sound[stream + 1 :],
    ):
        path.write_bytes(changed)
        with pytest.raises(InputError, match=r"log\.eval: a damaged ZIP file"), open_archive(path) as archive:
            read_member(path, archive, archive.infolist()[0])


def test_secrets_are_no_arguments() -> None:
    for name in ("api_key", "body.api_key", "hf_token", "token", "client_secret", "password"):
        with pytest.raises(InputError, match=f"{name} would stand in the results") as caught:
            parse_model_args(f"{name}=sk-12345,frames=4")
        assert "12345" not in str(caught.value)
    named = {"api_key_env": "MY_KEY", "max_new_tokens": "5", "image_token": "x"}
    assert parse_model_args(",".join(f"{name}={value}" for name, value in named.items())) == named
