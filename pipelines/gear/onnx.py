"""Models in ONNX files, run by onnxruntime on the CPU. Knows no model.

A file is numbers and a graph of them: reading one runs nothing but what onnxruntime itself brings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..work import FilmError

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRAPH, NODE, OUTPUT = 7, 1, 12  # fields of ModelProto, and of its GraphProto
MADE, KIND = 2, 4  # of a NodeProto: what its results are called, what it does
FLOAT = b"\x0a\x02\x08\x01"  # a TypeProto: a tensor of float32


def lack() -> str | None:
    """None, or how to have onnxruntime."""
    return None if find_spec("onnxruntime") else "onnxruntime is not installed: pip install 'onnxruntime>=1.20,<2'"


class Network:
    """A model, loaded. `told`: the one node's result that is told beside the outputs, by what the node does; None for
    none. Safe from several threads."""

    def __init__(self, path: Path, told: str | None = None) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        self._path = path
        self._bad: tuple[Any, ...] = tuple(getattr(state, name) for name in BAD)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            data = path.read_bytes()
            given = told_too(data, told) if told else data
            self._session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
        except (OSError, *self._bad) as error:
            raise FilmError(f"{path.name} cannot be read as an ONNX model.", "Delete it and fetch it anew.", path.name) from error
        self.inputs = {one.name: str(one.type) for one in self._session.get_inputs()}
        self.outputs = [str(one.name) for one in self._session.get_outputs()]

    def run(self, given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Every output, in the model's order; FilmError if it cannot take what it is given."""
        try:
            return list(self._session.run(None, dict(given)))
        except (ValueError, *self._bad) as error:
            raise FilmError(f"{self._path.name} cannot speak this: it is another kind of model.", "Delete it and fetch the right one.", self._path.name) from error


BAD = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented", "RuntimeException", "EPFail")


def told_too(model: bytes, kind: str) -> bytes:
    """The model with one more output: the result of its only node of that kind; as it is where there is not just one,
    or it tells something beside its first output already.

    Messages that follow one another in a file are read as one, so what is new is put at the end.
    """
    try:
        graph = [inner for number, inner in fields(memoryview(model)) if number == GRAPH]
        parts = [one for each in graph for one in fields(each)]
    except (IndexError, ValueError):
        return model
    if sum(number == OUTPUT for number, _ in parts) != 1:
        return model
    found = [bytes(one) for number, inner in parts if number == NODE for one in _made(inner, kind)]
    if len(found) != 1:
        return model
    told = _field(1, found[0]) + _field(2, FLOAT)
    return model + _field(GRAPH, _field(OUTPUT, told))


def _made(node: memoryview, kind: str) -> list[memoryview]:
    told = list(fields(node))
    same = any(number == KIND and bytes(inner) == kind.encode() for number, inner in told)
    return [inner for number, inner in told if number == MADE] if same else []


def fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The parts of a protocol buffer's message that have a length: their number, and what is in them."""
    at = 0
    while at < len(message):
        head, at = _number(message, at)
        wire = head & 7
        if wire == 0:
            _, at = _number(message, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        elif wire == 2:
            size, at = _number(message, at)
            if at + size > len(message):
                raise ValueError("cut short")
            yield head >> 3, message[at : at + size]
            at += size
        else:
            raise ValueError("no message")


def _number(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _field(number: int, inner: bytes) -> bytes:
    """One part with a length."""
    return _varint(number << 3 | 2) + _varint(len(inner)) + inner


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
