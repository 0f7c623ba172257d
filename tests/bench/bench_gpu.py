"""Measures models at their real size with random weights on a GPU, and writes RESULTS-GPU.md.

`--tiny` goes the same ways at toy size on the CPU, measures nothing of use and writes nothing: it shows that this runs.
`--only NAME` takes some of the cases. Random weights say how long, how much memory and how exact; nothing about beauty.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from pipelines.clips import _open_sora_machine as machines  # noqa: E402
from pipelines.clips import _open_sora_vae as vaes  # noqa: E402
from pipelines.clips import _reel  # noqa: E402
from pipelines.clips._open_sora_loop import Guidance, denoise, needed, packed, schedule, unpacked  # noqa: E402
from pipelines.clips._open_sora_net import Clip, Design, Net, predict, prepare, shapes  # noqa: E402
from pipelines.clips._open_sora_plan import size  # noqa: E402
from pipelines.gear import gpu as _gpu  # noqa: E402
from pipelines.work import idle  # noqa: E402
from tests.bench import gpu_film, gpu_models  # noqa: E402
from tests.open_sora_weights import TINY, draw, vae_sizes  # noqa: E402

RESULTS = Path(__file__).with_name("RESULTS-GPU.md")
KEYS = ROOT / "tests" / "data" / "open_sora" / "vae_keys.txt"
STEPS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `met`: whether it is where it should be; None if nothing is asked."""

    what: str
    reach: str
    measured: str
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What is measured on."""

    device: torch.device
    tiny: bool

    @property
    def kind(self) -> torch.dtype:
        return torch.float32 if self.tiny else torch.bfloat16

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def took(self, work: Callable[[], Any]) -> float:
        """Seconds on the clock, with all that the device was asked for."""
        self.wait()
        start = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - start

    def median(self, work: Callable[[], Any], times: int = 3) -> tuple[float, str]:
        """The median of `times` after one that is not counted, and how it is told."""
        first = self.took(work)
        every = [first] if self.tiny else [self.took(work) for _ in range(times)]
        middle = statistics.median(every)
        return middle, f"{middle:.3g} s ({min(every):.3g} to {max(every):.3g}; the first, with compiling, {first:.3g})"


@dataclass(frozen=True)
class OpenSora:
    """The network ready for clips of one size, and one clip's constants."""

    place: Place
    net: Net
    clip: Clip
    noise: torch.Tensor
    times: Sequence[float]
    frames: int
    size: tuple[int, int]

    def step(self, rows: Sequence[int], step: int = 0) -> list[torch.Tensor]:
        with _gpu.attention(self.place.device):
            return predict(self.net, self.clip, self.noise, step, rows, idle)

    def run(self) -> torch.Tensor:
        with _gpu.attention(self.place.device):
            return denoise(lambda i, x, rows: predict(self.net, self.clip, x, i, rows, idle), self.noise, self.times, self.frames, Guidance(), False)


def open_sora(place: Place, resolution: str, room: int | None = None, fast: bool = True, net: Net | None = None) -> OpenSora:
    """A clip from text, 129 frames; `room`: bytes of the device for the blocks, None for all."""
    design = TINY if place.tiny else Design()
    measures, length = ((64, 32), 9) if place.tiny else (size(resolution, 16 / 9), 129)
    sizes = shapes(design)
    memory = machines.Memory(1 << 60 if room is None else room, eight=False)

    def read(names: list[str]) -> dict[str, torch.Tensor]:
        return draw(sizes, names, str(place.device), place.kind)

    net = net or machines.build(read, design, place.device, place.kind, memory, fast and not place.tiny)
    width, height = (side // vaes.SIDE for side in measures)
    count = (length - 1) // vaes.TIMES + 1
    random = torch.Generator(place.device).manual_seed(1)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random, device=place.device)

    times = schedule(STEPS, width * height // 4, count)
    words, whole = ([noise(1, 512, design.text), noise(1, 512, design.text)], [noise(1, design.pooled), noise(1, design.pooled)])
    start = packed(noise(1, 16, count, height, width))
    cond = torch.zeros(1, start.shape[1], design.channels + 4, device=place.device)
    clip = prepare(net, times[:-1], (count, height // 2, width // 2), (words[0], words[1]), (whole[0], whole[1]), cond)
    return OpenSora(place, net, clip, start, times, count, measures)


def vae_of(place: Place) -> Any:
    lines = [line.split() for line in KEYS.read_text("utf-8").splitlines()]
    sizes = vae_sizes() if place.tiny else {name: tuple(map(int, shape.split("x"))) for name, shape in lines}
    vae = vaes.empty(sizes)
    vae.load_state_dict(draw(sizes, device=str(place.device), kind=place.kind), assign=True)
    return vae


def readers(place: Place, streamed: bool) -> Callable[[], Any]:
    """T5 and CLIP at their size, and a text of 512 words for them."""
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    told = {"d_model": 4096, "d_ff": 10240, "num_layers": 24, "num_heads": 64, "d_kv": 64}
    seen = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    if place.tiny:
        told = {"d_model": 32, "d_ff": 32, "num_layers": 2, "num_heads": 4, "d_kv": 8}
        seen = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    kind = torch.get_default_dtype()
    torch.set_default_dtype(place.kind)
    try:
        with torch.device(place.device):
            t5 = T5EncoderModel(T5Config(vocab_size=32128, feed_forward_proj="gated-gelu", **told))
        with torch.device(place.device):
            clip = CLIPTextModel(CLIPTextConfig(**seen))
    finally:
        torch.set_default_dtype(kind)
    if streamed:
        from diffusers.hooks.group_offloading import apply_group_offloading

        fast = place.device.type == "cuda"
        t5.cpu()
        apply_group_offloading(t5, place.device, offload_type="leaf_level", use_stream=fast, low_cpu_mem_usage=fast)
    words, phrase = (torch.randint(2, 30000, (1, many), device=place.device) for many in (512, 77))
    return lambda: (t5.eval()(input_ids=words), clip.eval()(input_ids=phrase))


def exact(made: OpenSora) -> str:
    """How far our step and the literal one are from float32, as shares of its size: at a step where two rows are left
    out, and at one where one is."""
    full = replace(made, net=replace(made.net, dtype=torch.float32, shaped=lambda function: function))
    told = []
    for step, text, image in ((11, 1.0, 1.0), (0, 7.5, 3.0)):
        c, u1, u2 = made.step((0, 1, 2), step)
        ours = c if text == 1 else u1 + text * (c - u1)
        literal = u2 + image * (u1 - u2) + text * (c - u1)
        c, u1, u2 = full.step((0, 1, 2), step)
        true = u2 + image * (u1 - u2) + text * (c - u1)
        off = [float((one - true).norm() / true.norm()) for one in (ours, literal)]
        told.append(f"step {step}: {off[0]:.2e} beside {off[1]:.2e}")
    return "; ".join(told)


def o256(place: Place) -> Iterator[Row]:
    """From text to an MP4 at 256px."""
    made = open_sora(place, "256px")
    rows = needed(STEPS, Guidance(), given=False)
    yield Row(f"Open-Sora 256px t2v: rows of {STEPS} steps", "80 (150)", str(rows), rows == 80)
    steady, told = place.median(made.run)
    yield Row("denoising, 129 frames", "", told)
    three, step = place.median(lambda: made.step((0, 1, 2)), 5)
    yield Row("one step of the three-row loop, same kernels", "", step)
    ratio = three * STEPS / steady
    yield Row("three-row loop (50 such steps) / ours", ">= 1.8 x", f"{ratio:.2f} x", ratio >= 1.8)
    yield Row("error against float32, ours beside the literal loop's", "no larger", exact(made))
    latents = unpacked(made.noise, made.frames, made.size[1] // 8, made.size[0] // 8)
    said = place.median(readers(place, streamed=False))
    yield Row("reading a text", "", said[1])
    vae = vae_of(place)
    drawn = place.median(lambda: vaes.decode(vae, latents))
    yield Row("decoding", "", drawn[1])
    frames = ((vaes.decode(vae, latents)[0].float().clamp(-1, 1) + 1) * 127.5).byte().permute(1, 2, 3, 0).cpu().numpy()
    with TemporaryDirectory() as folder:
        wrote = place.took(lambda: _reel.write(frames, len(frames), made.size, Fraction(24), Path(folder) / "a.mp4", idle))
    every = steady + 2 * said[0] + drawn[0] + wrote
    yield Row("prompt to MP4", "< 25 s (published: 60 s on an H100)", f"{every:.3g} s, of them x264 {wrote:.2g} s", every < 25)


def o768(place: Place) -> Iterator[Row]:
    """Steps at 768px, from which the whole is told."""
    made = open_sora(place, "768px")
    one, told = place.median(lambda: made.step((0,)))
    yield Row("Open-Sora 768px t2v: a step of one row", "", told)
    two = place.median(lambda: made.step((0, 1)), 1)[0]
    vae = vae_of(place)
    latents = unpacked(made.noise, made.frames, made.size[1] // 8, made.size[0] // 8)
    drawn = place.median(lambda: vaes.decode(vae, latents), 1)
    yield Row("decoding", "", drawn[1])
    whole = 20 * one + 30 * two + drawn[0]
    yield Row("50 steps and decoding, from those", "< 800 s (published: 1656 s)", f"{whole:.0f} s", whole < 800)


@contextmanager
def capped(place: Place, gigabytes: float) -> Iterator[None]:
    """No more of the device's memory than that."""
    if place.device.type != "cuda":
        yield
        return
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(place.device)
    torch.cuda.set_per_process_memory_fraction(gigabytes * _gpu.GIB / _gpu.total(place.device), place.device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, place.device)


def cap(place: Place, gigabytes: float = 24.0) -> Iterator[Row]:
    """The whole way in 24 GB, network larger than that: readers and blocks stream."""
    with capped(place, gigabytes):
        say = readers(place, streamed=True)
        yield Row(f"Open-Sora under {gigabytes:g} GB: reading a text, layer by layer", "", place.median(say)[1])
        del say
        design = TINY if place.tiny else Design()
        sizes = {name: size(name, 16 / 9) for name in ("256px", "768px")}
        free = _gpu.free(place.device, gigabytes)
        room = 0 if place.tiny else min(machines.room(free, design, 129, measures) for measures in sizes.values())
        net, vae = None, vae_of(place)
        for name in sizes:
            made = open_sora(place, name, room=room, fast=False, net=net)
            net = made.net
            yield Row(f"a step of two rows at {name}, {len(made.net.blocks.kept)} of {len(design.blocks())} blocks staying", "", place.median(lambda made=made: made.step((0, 1)), 1)[1])  # type: ignore[attr-defined, misc]
            latents = unpacked(made.noise, made.frames, made.size[1] // 8, made.size[0] // 8)
            yield Row("decoding", "", place.median(lambda latents=latents: vaes.decode(vae, latents), 1)[1])  # type: ignore[misc]
        most = torch.cuda.max_memory_reserved(place.device) / _gpu.GIB if place.device.type == "cuda" else 0.0
    yield Row(f"peak of the GPU's memory under {gigabytes:g} GB", "runs", f"{most:.1f} GB", most <= gigabytes)


OTHERS = gpu_models.CASES | {"svd-film": gpu_film.film}


def others(name: str) -> Callable[[Place], Iterator[Row]]:
    """Another module's case as one of ours."""
    return lambda place: (Row(*told) for told in OTHERS[name](place))


CASES: dict[str, Callable[[Place], Iterator[Row]]] = {"open-sora-256": o256, "open-sora-768": o768, "open-sora-24gb": cap}
CASES |= {name: others(name) for name in OTHERS}


def table(rows: Sequence[Row]) -> str:
    met = {True: "yes", False: "**no**", None: ""}
    lines = [f"| {row.what} | {row.reach} | {row.measured} | {met[row.met]} |" for row in rows]
    return "\n".join(["| what | reach | measured | met |", "|---|---|---|---|", *lines])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="toy size on the CPU; writes nothing")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    told = parser.parse_args(argv)
    if not told.tiny and not torch.cuda.is_available():
        print("No GPU is seen here: nothing was measured. --tiny goes the same ways on the CPU.")
        return 1
    place = Place(torch.device("cpu" if told.tiny else "cuda:0"), told.tiny)
    rows: list[Row] = []
    with torch.inference_mode():
        for name in told.only:
            for row in CASES[name](place):
                rows.append(row)
                print(f"{row.what}: {row.measured}", flush=True)
            if place.device.type == "cuda":
                torch.cuda.empty_cache()
    if not told.tiny:
        machine = f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}, CUDA {torch.version.cuda}, Python {platform.python_version()}"
        head = f"# Measured on a GPU\n\nWritten by `make bench-gpu` on {datetime.date.today()}: {machine}. Random weights of the published sizes.\n\n"
        RESULTS.write_text(head + table(rows) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
