"""Keeps Gradio from writing type stubs beside its sources, and ours, each time it is imported.

That takes a second and a half of every start, and needs folders that may be written. Knows nothing else of Gradio; if it
ever does this otherwise, nothing is lost but the time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

MODULE, WRITES = "gradio.component_meta", "create_or_modify_pyi"


class _Finder(MetaPathFinder):
    """Finds that one module as Python would, and puts the writer out of it once it is loaded."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == MODULE else None
        if spec is None or spec.loader is None:
            return None
        loaded = spec.loader.exec_module

        def load(module: ModuleType) -> None:
            loaded(module)
            if hasattr(module, WRITES):
                setattr(module, WRITES, lambda *_: None)

        spec.loader.exec_module = load  # type: ignore[method-assign]
        return spec


@contextmanager
def no_stubs() -> Iterator[None]:
    """What is imported inside writes none, and neither does what is built with it later."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
