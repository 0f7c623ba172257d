"""The graphics cards of this machine, as NVIDIA's own library tells of them. Imports nothing heavy; starts nothing."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass

LIBRARIES = ("libnvidia-ml.so.1", "nvml.dll")
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Card:
    """Its name, and GiB of memory in all and free."""

    name: str
    gigabytes: float
    free: float

    def __str__(self) -> str:
        return f"{self.name}, {self.gigabytes:.0f} GB ({self.free:.0f} GB free)"


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def cards() -> tuple[Card, ...]:
    """In the machine's order; none where there is no such library."""
    for name in LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        if library.nvmlInit_v2():
            return ()
        try:
            count = ctypes.c_uint()
            library.nvmlDeviceGetCount_v2(ctypes.byref(count))
            return tuple(card for i in range(count.value) if (card := _card(library, i)))
        finally:
            library.nvmlShutdown()
    return ()


def devices() -> tuple[str, ...]:
    """What torch calls each of them that this process may use."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    many = len(cards()) if allowed is None else len([one for one in allowed.split(",") if one.strip() not in ("", "-1")])
    return tuple(f"cuda:{i}" for i in range(many))


def _card(library: ctypes.CDLL, i: int) -> Card | None:
    handle, name, memory = ctypes.c_void_p(), ctypes.create_string_buffer(96), _Memory()
    if library.nvmlDeviceGetHandleByIndex_v2(i, ctypes.byref(handle)):
        return None
    library.nvmlDeviceGetName(handle, name, len(name))
    library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
    return Card(name.value.decode("utf-8", "replace"), memory.total / GIB, memory.free / GIB)
