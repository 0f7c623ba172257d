"""Voice files as Piper and Kokoro have them, of a few numbers: each sign is held as long as its own number says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

HOP = 256
SOUNDS = "abdefhijklmnoprstuvwzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒθˈˌː"
STOPS = " ,.!?;:"


def _number(name: str, value: Any, kind: int = TensorProto.FLOAT) -> Any:
    given = np.atleast_1d(np.asarray(value))
    return helper.make_tensor(name, kind, () if np.ndim(value) == 0 else given.shape, given.ravel().tolist())


def _saved(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], numbers: list[Any]) -> Path:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, numbers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def _tone(lasts: str, shape: str | None) -> list[Any]:
    """A hum as long as those, in frames."""
    nodes = [
        helper.make_node("ReduceSum", [lasts], ["frames"], keepdims=0), helper.make_node("Mul", ["frames", "hop"], ["many"]),
        helper.make_node("Range", ["zero", "many", "one"], ["samples"]), helper.make_node("Mul", ["samples", "pitch"], ["turns"]),
        helper.make_node("Sin", ["turns"], ["wave"]), helper.make_node("Mul", ["wave", "half"], ["quiet" if shape else "output"]),
    ]  # fmt: skip
    return nodes + ([helper.make_node("Reshape", ["quiet", shape], ["output"])] if shape else [])


def _numbers() -> list[Any]:
    told = {"hop": float(HOP), "zero": 0.0, "one": 1.0, "pitch": 0.06, "half": 0.5, "tenth": 0.1, "few": 2.0}
    return [_number(name, value) for name, value in told.items()]


def piper(folder: Path, name: str = "en_US-tiny-low", voice: str = "en-us", language: str = "en_US", speakers: int = 1, pauses: bool = True) -> Path:
    """NAME.onnx and its JSON. pauses: it is rounded up to whole frames, as the real ones do."""
    nodes = [
        helper.make_node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT), helper.make_node("Mul", ["ids", "tenth"], ["long"]),
        helper.make_node("Add", ["long", "few"], ["longer"]), helper.make_node("Slice", ["scales", "at", "after"], ["slow"]),
        helper.make_node("Mul", ["longer", "slow"], ["each"]), helper.make_node("Ceil" if pauses else "Identity", ["each"], ["held"]), *_tone("held", "flat"),
    ]  # fmt: skip
    inputs = [("input", TensorProto.INT64, [1, "n"]), ("input_lengths", TensorProto.INT64, [1]), ("scales", TensorProto.FLOAT, [3])]
    inputs += [("sid", TensorProto.INT64, [1])] if speakers > 1 else []
    numbers = [*_numbers(), _number("at", [1], TensorProto.INT64), _number("after", [2], TensorProto.INT64), _number("flat", [1, 1, 1, -1], TensorProto.INT64)]
    out = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, "m"])]
    path = _saved(folder / f"{name}.onnx", nodes, [helper.make_tensor_value_info(*one) for one in inputs], out, numbers)
    ids = {"_": [0], "^": [1], "$": [2]} | {sign: [3 + i] for i, sign in enumerate(STOPS + SOUNDS)}
    told = {
        "audio": {"sample_rate": 22050}, "espeak": {"voice": voice}, "language": {"code": language}, "num_speakers": speakers,
        "inference": {"noise_scale": 0.6, "length_scale": 1.0, "noise_w": 0.8}, "phoneme_id_map": ids,
        "speaker_id_map": {f"s{i}": i for i in range(speakers)} if speakers > 1 else {},
    }  # fmt: skip
    path.with_name(path.name + ".json").write_text(json.dumps(told), "utf-8")
    return path


def kokoro(folder: Path, tells: bool = True) -> Path:
    """The model and one file of voices; `tells`: how long each sign is held."""
    nodes = [
        helper.make_node("Cast", ["tokens"], ["ids"], to=TensorProto.FLOAT), helper.make_node("Mul", ["ids", "tenth"], ["long"]),
        helper.make_node("Add", ["long", "few"], ["longer"]), helper.make_node("Div", ["longer", "speed"], ["each"]),
        helper.make_node("ReduceMean", ["style"], ["mood"], keepdims=0), helper.make_node("Mul", ["mood", "zero"], ["none"]),
        helper.make_node("Add", ["each", "none"], ["held"]), *_tone("held", None),
    ]  # fmt: skip
    inputs = [("tokens", TensorProto.INT64, [1, "n"]), ("style", TensorProto.FLOAT, [1, 256]), ("speed", TensorProto.FLOAT, [1])]
    out = [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["m"])]
    if tells:
        nodes.append(helper.make_node("Identity", ["held"], ["duration"]))
        out.append(helper.make_tensor_value_info("duration", TensorProto.FLOAT, [1, "n"]))
    path = _saved(folder / "kokoro-v1.0.onnx", nodes, [helper.make_tensor_value_info(*one) for one in inputs], out, _numbers())
    random = np.random.default_rng(1)
    voices = {name: random.normal(size=(510, 1, 256)).astype(np.float32) for name in ("af_heart", "af_bella", "bm_george", "ff_siwis", "jf_alpha")}
    with (folder / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, **voices)
    return path
