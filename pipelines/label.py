"""A few words in a corner of the picture, from the first frame to the last: "AI-made", or whatever the story says.

They are one more line of the captions' ASS script, in our fonts. Knows no captions.
"""

from __future__ import annotations

from .captions import clean
from .plan import Frame
from .typefaces import faces, line_height, runs

SIZE = 0.03  # of the frame's shorter side
EDGE = 0.03
SMALLEST = 9.0  # pixels
_ESCAPES = {ord("{"): "\\{", ord("}"): "\\}", ord("\\"): "\\\u2060"}


def labelled(script: str, label: str, frame: Frame) -> str:
    """The script with the label in it, or a script of its own where there was none; as it is without a label."""
    drawn = list(runs(clean(label)))
    if not drawn:
        return script
    short = min(frame.width, frame.height)
    em, edge = max(SMALLEST, SIZE * short), round(EDGE * short)
    words = "".join(f"{{\\fn{run.face.family}}}" + run.text.translate(_ESCAPES) for run in drawn)
    look = f"{{\\r\\an9\\pos({frame.width - edge},{edge})\\fs{em * line_height():.1f}\\b1\\i0\\bord{em * 0.07:.1f}\\shad0\\1c&HFFFFFF&\\1a&H30&\\3c&H000000&\\3a&H60&}}"
    line = f"Dialogue: 9,0:00:00.00,9:59:59.99,Text,,0,0,0,,{look}{words}"
    return f"{script.rstrip()}\n{line}\n" if script else "\n".join([*_head(frame), line, ""])


def _head(frame: Frame) -> list[str]:
    return [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {frame.width}",
        f"PlayResY: {frame.height}",
        "WrapStyle: 2",
        "ScaledBorderAndShadow: yes",
        "YCbCr Matrix: None",
        "",
        "[V4+ Styles]",
        "Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, BorderStyle, Outline, Shadow, Alignment, Encoding",
        f"Style: Text,{faces()[0].family},20,&H00FFFFFF,&H00000000,&H00000000,-1,1,1,0,9,-1",
        "",
        "[Events]",
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
    ]
