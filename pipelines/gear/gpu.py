"""What machine there is for models: whether there is a GPU, how much of its memory is free, what to compute in.

Looks for a driver before it imports torch: that takes a second or two, and most machines have none.
"""

from __future__ import annotations

import ctypes
import gc
import inspect
import os
import shutil
import sys
import sysconfig
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import zero

if TYPE_CHECKING:
    import torch

DRIVERS = ("libcuda.so.1", "nvcuda.dll")
INSTALL = "pip install torch==2.13.0, then pip install '.[gpu]' in Reelwright's folder."
GIB = 1 << 30
COMPILERS = ("gcc", "clang")  # those that triton looks for, beside the one that CC names
RECOMPILED = 64  # times that a part of a model may be compiled anew: after torch's own 8 it would be slow for good
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # of a container


def packages(*names: str) -> str | None:
    """None, or how to have those packages."""
    lacking = [name for name in names if not find_spec(name)]
    return f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not installed: {INSTALL}" if lacking else None


def driver() -> bool:
    """Whether this machine can have a GPU that torch uses."""
    if os.environ.get("SPACES_ZERO_GPU") or Path("/dev/kfd").exists():
        return True
    for name in DRIVERS:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def lack(device: str, needs: float, *, lent: bool = True) -> str | None:
    """None, or that there is no such GPU, or too small a one. device: "auto", or torch's own name; needs: GiB; lent:
    whether one that is lent by the call would do."""
    if device == "cpu":
        return None
    if zero.here():  # one that is lent is seen when it is
        return None if lent else "It needs a GPU of its own: here they are lent by the call. Run Reelwright on a machine with one."
    found = driver()
    if found:
        import torch

        found = torch.cuda.is_available()
    if not found:
        return f"No GPU is seen here. It needs an NVIDIA GPU with {needs:g} GB, and a driver for it."
    if (there := total(chosen(device)) / GIB) < needs * 0.9:
        return f"This machine's GPU has {there:.0f} GB. It needs {needs:g} GB."
    return None


def chosen(device: str) -> torch.device:
    """The device of that name; "auto" is the first GPU, or the CPU where there is none."""
    import torch

    if device == "auto":
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def seat(device: str) -> str:
    """What a model's place is called, for those who take turns there; "" where a GPU is lent for each call."""
    if zero.here():
        return ""
    one = chosen(device)
    return one.type if one.type == "cpu" else f"{one.type}:{one.index or 0}"


def total(device: torch.device) -> int:
    """Bytes of its memory."""
    import torch

    return int(torch.cuda.get_device_properties(device).total_memory) if device.type == "cuda" else 1 << 62


def emptied() -> None:
    """What was let go is there for others: parts that hold one another, as hooks and modules do, go now, and torch gives
    back what it set aside. To be called when nobody holds any of it."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def chance(device: torch.device) -> AbstractContextManager[None]:
    """Within it numbers are drawn as they will, there and on the CPU; afterwards as if none had been."""
    import torch

    return torch.random.fork_rng([device] if device.type == "cuda" else [])


def compiles(device: torch.device) -> bool:
    """Whether torch.compile can make kernels for it: triton is there, and what that needs, a C compiler, Python's headers
    and a card that is young enough."""
    import torch

    if device.type != "cuda" or packages("triton") or torch.cuda.get_device_capability(device) < (7, 0):
        return False
    if sys.platform == "win32":  # triton brings its own there
        return True
    compiler = bool(os.environ.get("CC")) or any(map(shutil.which, COMPILERS))
    return compiler and Path(sysconfig.get_path("include"), "Python.h").is_file()


def compiling() -> dict[str, Any]:
    """Arguments of torch.compile: what changes from clip to clip, such as its length, is compiled anew once and then
    left open; other models and kinds of clip may each have their own. Given with the call, as torch keeps its settings a
    thread each."""
    import torch

    return {"recompile_limit": RECOMPILED} if "recompile_limit" in inspect.signature(torch.compile).parameters else {}


def memory() -> int:
    """Bytes of this machine's own memory, or of those that a container may take; where nobody says, more than any has."""
    said = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 1 << 62]
    for path in LIMITS:
        try:
            said.append(int(path.read_text("ascii")))
        except (OSError, ValueError):
            continue  # there is none, or no limit
    return min(said)


def full() -> type[BaseException]:
    """What torch raises when the device's memory runs out."""
    import torch

    return torch.OutOfMemoryError


def attention(device: torch.device) -> AbstractContextManager[None]:
    """Within it, attention takes the kernel that is fastest there: cuDNN's from Hopper on, else torch's own choice."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if device.type != "cuda" or torch.cuda.get_device_capability(device) < (9, 0):
        return nullcontext()
    order = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    return sdpa_kernel(order, set_priority=True)


def current(device: torch.device) -> AbstractContextManager[None]:
    """Within it, this thread's events and streams are that GPU's: left to themselves they are the first one's, whichever
    it is that works, and wait for nothing."""
    import torch

    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def free(device: torch.device, most: float | None) -> int:
    """Bytes of its memory that may still be taken, if no more than `most` GiB are to be ours; the CPU's are not
    counted."""
    import torch

    if device.type != "cuda":
        return 1 << 62
    ours = torch.cuda.memory_allocated(device)
    there = torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - ours
    return int(min(there, (most * GIB - ours) if most else there))
