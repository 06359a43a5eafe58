"""How fast Apollo runs here, part by part, against what this machine can do.

    python perf/apollo.py --size tiny --device cpu
    python perf/apollo.py --size 7b --device cuda --dtype bfloat16
    python perf/apollo.py --size 7b --device cpu --vision-only --clips 1 --batches 1 --repeats 1

`tiny` is the shipped model; the other sizes are the published ones with random weights, made on the device. The limits
are measured in the same run: the best rate of large square matrix products in that dtype and, for decoding, the rate of
a copy in memory. Every figure is the best of `--repeats` after a warm-up: wall time on a GPU, and on a CPU the CPU time
of one thread, since other programs may use the same cores. Operations are counted by `apollobench.apollo.flops`.
"""

from __future__ import annotations

import apollobench  # noqa: F401  # before transformers, which imports torchvision

# isort: split
import argparse
import copy
import resource
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from transformers import Qwen2Config, Qwen2ForCausalLM

from apollobench.apollo.checkpoint import load_apollo
from apollobench.apollo.config import ApolloConfig, ConnectorConfig, VisionConfig
from apollobench.apollo.connector import Connector, build_connector
from apollobench.apollo.flops import clip_flops, connector_flops, read_flops, tower_flops
from apollobench.apollo.greedy import read_prefix, reply
from apollobench.apollo.model import VISUAL, Apollo
from apollobench.apollo.processing import make_clips
from apollobench.apollo.towers.hybrid import HybridTower
from apollobench.apollo.towers.internvideo2 import InternVideo2Config
from apollobench.apollo.towers.siglip import SiglipConfig
from apollobench.models.roster import SHIPPED
from apollobench.report.tables import markdown_table

# hidden, layers, heads, shared heads, inner, vocabulary, tied
SIZES = {
    "1.5b": (1536, 28, 12, 2, 8960, 151936, True),
    "3b": (2048, 36, 16, 2, 11008, 151936, True),
    "7b": (3584, 28, 28, 4, 18944, 152064, False),
}
FIELDS = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size")
TRAINED_SCALE = 0.1  # a fresh LayerScale is 1e-5: blocks would do next to nothing, and deviations look too small
TEXT_PER_CLIP, TEXT_AROUND = 12, 60  # text tokens of the released prompt, about
HEIGHT, WIDTH = 360, 640
NEVER = (-1,)
KERNELS = (
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
)
Work = Callable[[], object]
Rows = list[list[str]]


@dataclass(frozen=True)
class Machine:
    """matrix: FLOP/s of large matrix products. copy: bytes/s read and written by a copy."""

    device: torch.device
    dtype: torch.dtype
    repeats: int
    matrix: float = 0.0
    copy: float = 0.0

    @property
    def is_gpu(self) -> bool:
        return self.device.type == "cuda"

    def wait(self) -> None:
        if self.is_gpu:
            torch.cuda.synchronize(self.device)

    def seconds(self, *ways: Work) -> list[float]:
        """The least time of each way after a warm-up; the ways take turns."""
        for way in ways:
            way()
        rounds = [[self._once(way) for way in ways] for _ in range(self.repeats)]
        return [min(times) for times in zip(*rounds, strict=True)]

    def _once(self, work: Work) -> float:
        clock = time.perf_counter if self.is_gpu else time.process_time
        self.wait()
        start = clock()
        work()
        self.wait()
        return clock() - start

    def row(self, part: str, way: str, batch: int, work: Work, items: int, flops: float) -> list[str]:
        """One line of the table, for `work` that does `items` items of `flops` each."""
        if self.is_gpu:
            torch.cuda.reset_peak_memory_stats(self.device)
        return self.filled(part, way, batch, items / self.seconds(work)[0], flops)

    def filled(self, part: str, way: str, batch: int, rate: float, flops: float, moved: float = 0.0) -> list[str]:
        """moved: bytes per item, where memory is the limit."""
        share = rate * moved / self.copy if moved else rate * flops / self.matrix
        numbers = [short(rate), short(flops / 1e9), short(rate * flops / 1e12), f"{100 * share:.0f}"]
        print(f"  {part}, {way}, batch {batch}: {numbers[0]} items/s, {numbers[3]} %", file=sys.stderr, flush=True)
        return [part, way, f"{batch:,}", *numbers, "memory" if moved else "matrix", f"{self._peak_gib():.2f}"]

    def _peak_gib(self) -> float:
        """On a GPU, of tensors while the row was measured; on a CPU, of the process up to now."""
        if self.is_gpu:
            return torch.cuda.max_memory_allocated(self.device) / 2**30
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def short(value: float) -> str:
    """Three digits, or whole thousands."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def measured(device: torch.device, dtype: torch.dtype, repeats: int) -> Machine:
    """The machine with its limits, measured now, on random numbers."""
    bare = Machine(device, dtype, max(repeats, 3))
    rates = []
    for size in (4096, 8192, 16384) if bare.is_gpu else (1024, 2048):
        a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        rates.append(2 * size**3 / bare.seconds(partial(torch.matmul, a, b))[0])
    source = torch.empty(2**32 if bare.is_gpu else 2**27, dtype=torch.uint8, device=device).random_()
    moved = 2 * source.numel() / bare.seconds(partial(torch.empty_like(source).copy_, source))[0]
    return Machine(device, dtype, repeats, max(rates), moved)


def build(size: str, machine: Machine, vision_only: bool) -> Apollo:
    """The shipped tiny model, or random weights; without its language model it keeps one that takes no memory."""
    if size == "tiny":
        return load_apollo(SHIPPED / "apollo-tiny", str(machine.dtype), str(machine.device))[0]
    llm = {"model_type": "qwen2", **dict(zip((*FIELDS, "vocab_size", "tie_word_embeddings"), SIZES[size], strict=True))}
    internvideo2 = InternVideo2Config(init_values=TRAINED_SCALE)
    vision = VisionConfig((("siglip-so400m-patch14-384", SiglipConfig()), ("internvideo2", internvideo2)))
    connector = ConnectorConfig(vision.channels, SIZES[size][0])
    with torch.device("meta"):
        model = Apollo(ApolloConfig(llm, vision, connector))
    usual = torch.get_default_dtype()
    torch.set_default_dtype(machine.dtype)
    with torch.device(machine.device):
        model.vision, model.connector = HybridTower(vision), build_connector(connector)
        if not vision_only:
            model.llm = Qwen2ForCausalLM(Qwen2Config.from_dict(llm))
    torch.set_default_dtype(usual)
    return model.to(machine.dtype).eval()


def compile_layers(vision: HybridTower) -> None:
    """Each tower layer by itself, so that all layers of a tower share one compilation."""
    torch._dynamo.config.recompile_limit = 64  # there is one for each batch size
    for tower in vision.towers:
        for layer in tower.get_submodule(tower.layer_names.removesuffix(".")):
            layer.compile(dynamic=False)


def vision_rows(machine: Machine, model: Apollo, clips: list[Tensor], batches: list[int], way: str) -> Rows:
    config, vision = model.config, vision_of(model)[0]
    rows = []
    for (name, sizes), tower, given in zip(config.vision.towers, vision.towers, clips, strict=True):
        flops = tower_flops(sizes, config.vision)
        rows += [machine.row(name, way, n, partial(tower, given[:n]), n, flops) for n in batches]
    total = len(clips[0])
    batch = min(total, config.encode_batch_size)
    encode = partial(model.encode, clips)
    return [*rows, machine.row("towers and connector", way, batch, encode, total, clip_flops(config))]


def connector_row(machine: Machine, model: Apollo, batch: int) -> list[str]:
    config, (_, connector) = model.config, vision_of(model)
    shape = (batch, *config.vision.grid, config.vision.channels)
    features = torch.randn(shape, device=machine.device, dtype=machine.dtype)
    flops = connector_flops(config.connector, config.vision)
    return machine.row("connector", "eager", batch, partial(connector, features), batch, flops)


def language_rows(machine: Machine, model: Apollo, clips: list[Tensor], frames: Tensor, new: int, way: str) -> Rows:
    """Reading the prompt of all clips, decoding after it, and the whole way from frames in memory to a reply."""
    config, llm, count = model.config, model.llm, len(clips[0])
    text = [1] * TEXT_PER_CLIP
    ids = torch.tensor([[1] * TEXT_AROUND + (text + [VISUAL] * config.tokens_per_clip) * count], device=machine.device)
    tokens = ids.shape[1]
    embeds = model.merge(ids, model.encode(clips))
    reading, step = read_flops(config.llm, tokens), read_flops(config.llm, 1, tokens)
    read = partial(read_prefix, llm, embeds)
    prompt = machine.row("prompt, per token", "eager", tokens, read, tokens, reading / tokens)

    prefix = read_prefix(llm, embeds)
    one, many = machine.seconds(*(partial(reply, llm, prefix, [[1]], n, NEVER) for n in (1, new + 1)))
    weights = [llm.lm_head.weight, *llm.model.layers.parameters()]
    cached = [x for layer in prefix.layers for x in (layer.keys, layer.values)]
    moved = sum(x.numel() * x.element_size() for x in (*weights, *cached))
    decode = machine.filled("decoding, per token", "eager", 1, new / (many - one), step, moved)

    def whole() -> None:
        made = [x.to(machine.dtype) for x in make_clips(frames, config.vision, device=machine.device)]
        reply(llm, read_prefix(llm, model.merge(ids, model.encode(made))), [[1]], new, NEVER)

    flops = count * clip_flops(config) + reading + new * step
    return [prompt, decode, machine.row(f"{count} clips to {new} tokens", way, 1, whole, 1, flops)]


def kernel_rows(machine: Machine, model: Apollo, clips: list[Tensor]) -> Rows:
    """Each tower on all clips with every attention kernel of torch that takes its shapes."""
    rows = []
    for name, tower, given in zip(model.vision.names, model.vision.towers, clips, strict=True):
        for kernel in KERNELS:
            try:
                with sdpa_kernel(kernel), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    rate = len(given) / machine.seconds(partial(tower, given))[0]
            except RuntimeError:  # torch says so for a kernel that does not take these shapes or this device
                continue
            rows.append([name, kernel.name.lower().removesuffix("_attention"), short(rate)])
    return rows


def attention_ran(machine: Machine, work: Work) -> str:
    """The attention operators and, on a GPU, the attention kernels that `work` really ran."""
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if machine.is_gpu else [])]) as seen:
        work()
        machine.wait()
    names = {event.key.split("(")[0].split("<")[0] for event in seen.key_averages()}
    marks = ("_scaled_dot_product_", "flash", "fmha", "cudnn_generated")
    return ", ".join(sorted(name for name in names if any(mark in name for mark in marks)))


def vision_of(model: Apollo) -> tuple[HybridTower, Connector]:
    assert model.vision is not None
    assert model.connector is not None
    return model.vision, model.connector


def outputs(vision: HybridTower, connector: Connector, clips: Sequence[Tensor]) -> dict[str, Tensor]:
    """What each tower gives, and what the connector makes of it all, in float32."""
    features = {name: tower(x).float() for name, tower, x in zip(vision.names, vision.towers, clips, strict=True)}
    return {**features, "towers and connector": connector(vision(clips)).float()}


def deviation_rows(found: dict[str, Tensor], exact: dict[str, Tensor], way: str) -> Rows:
    rows = []
    for part, values in found.items():
        off, size = values - exact[part], exact[part].square().mean().sqrt()
        rows.append([part, way, f"{off.square().mean().sqrt() / size:.1e}", f"{off.abs().max() / size:.1e}"])
    return rows


def preprocessing_rows(machine: Machine, vision: VisionConfig) -> Rows:
    """Eight frames of noise to clips, in the ways there are."""
    rows = []
    for height, width in ((720, 1280), (HEIGHT, WIDTH)):
        make = partial(make_clips, torch.randint(0, 256, (8, height, width, 3), dtype=torch.uint8), vision)
        ways = {"CPU, exact": make, "CPU, quick": partial(make, exact=False)}
        if machine.is_gpu:
            ways["GPU"] = partial(make, device=machine.device)
        times = machine.seconds(*ways.values())
        for (way, work), spent in zip(ways.items(), times, strict=True):
            same = all(torch.equal(a.cpu(), b) for a, b in zip(work(), make(), strict=True))
            numbers = [f"{1000 * spent / 8:.2f}", f"{spent / times[0]:.2f}"]
            rows.append([f"{width} x {height}", way, *numbers, "the same bits" if same else "deviates"])
    return rows


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["tiny", *SIZES], default="tiny")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, help="the towers too; usual on a GPU")
    parser.add_argument("--clips", type=int, default=30)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 25], help="clips at once in a tower")
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--vision-only", action="store_true", help="no language model")
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


@torch.inference_mode()
def main() -> None:
    given = arguments()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    machine = measured(torch.device(given.device), getattr(torch, given.dtype), given.repeats)
    model = build(given.size, machine, given.vision_only)
    vision, connector = vision_of(model)
    frames = torch.randint(0, 256, (given.clips * model.config.vision.clip_frames, HEIGHT, WIDTH, 3), dtype=torch.uint8)
    clips = [x.to(machine.dtype) for x in make_clips(frames, model.config.vision, device=machine.device)]
    few = [x[:2] for x in clips]
    batches = sorted({min(n, given.clips) for n in given.batches})
    deviations, found = [], outputs(vision, connector, few)
    exact = found
    if machine.dtype != torch.float32:
        exact = outputs(copy.deepcopy(vision).float(), copy.deepcopy(connector).float(), [x.float() for x in few])
        deviations += deviation_rows(found, exact, given.dtype)
    rows = [*vision_rows(machine, model, clips, batches, "eager"), connector_row(machine, model, batches[-1])]
    kernels = kernel_rows(machine, model, clips)
    ran = [["towers and connector", attention_ran(machine, partial(model.encode, clips))]]
    way = "eager"
    if machine.is_gpu if given.compile is None else given.compile:
        compile_layers(vision)
        way = "compiled"
        deviations += deviation_rows(outputs(vision, connector, few), exact, f"{given.dtype}, {way}")
        rows += vision_rows(machine, model, clips, batches, way)
        ran.append(["towers and connector, compiled", attention_ran(machine, partial(model.encode, clips))])
    if not given.vision_only:
        rows += language_rows(machine, model, clips, frames, given.new_tokens, way)
        embeds = model.llm.get_input_embeddings()(torch.ones(1, 512, dtype=torch.long, device=machine.device))
        ran.append(["prompt", attention_ran(machine, partial(read_prefix, model.llm, embeds))])
    chip = torch.cuda.get_device_name(machine.device) if machine.is_gpu else "one CPU thread"
    print(f"\n{given.size}, {given.dtype}, {chip}, torch {torch.__version__}: matrix products at most")
    print(f"{machine.matrix / 1e12:.3g} TFLOP/s, copies {machine.copy / 1e9:.3g} GB/s.\n")
    head = ["part", "way", "batch", "items/s", "GFLOP per item", "TFLOP/s", "% of limit", "limit", "peak GiB"]
    print(markdown_table(head, rows), end="\n\n")
    print(markdown_table(["tower", "attention kernel", "clips/s"], kernels), end="\n\n")
    print(markdown_table(["part", "attention that ran"], ran), end="\n\n")
    if deviations:
        print(markdown_table(["part", "against float32", "relative RMS", "largest / RMS"], deviations), end="\n\n")
    head = ["frames", "preprocessing", "ms per frame", "of exact", "against exact"]
    print(markdown_table(head, preprocessing_rows(machine, model.config.vision)))


if __name__ == "__main__":
    main()
