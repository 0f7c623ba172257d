"""What the server keeps of each visitor. Gradio's own way is a description of the whole page for everyone, made anew with
every answer: three quarters of a megabyte each, for links to a page's state, which we do not offer. Here it is left out.

Knows Gradio's sessions and nothing of films.
"""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from gradio.components import State
from gradio.state_holder import SessionState, StateHolder

if TYPE_CHECKING:
    import gradio as gr

MOST = 2000  # visitors that are remembered; the one who was here longest ago goes first


class Session(SessionState):
    """One visitor's values, without the description."""

    def __init__(self, blocks: Any) -> None:
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks=()))  # type: ignore[arg-type]

    def __setitem__(self, key: int, value: Any) -> None:
        if isinstance(block := self.blocks_config.blocks.get(key), State):
            self._state_ttl[key] = (block.time_to_live, datetime.now())
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


class Sessions(StateHolder):
    """Every visitor's."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = Session(self.blocks)
        return super().__getitem__(session_id)


def lean(demo: gr.Blocks) -> None:
    """Once the page answers: keep little of each of its visitors."""
    demo.state_holder.__class__ = Sessions
    demo.state_holder.capacity = MOST
