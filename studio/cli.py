"""The command line: verbs for people, over pipelines. Parses, asks, tells; makes nothing itself.

Nothing heavy is imported before a verb is known, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import cli_videos

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, FAILED, USAGE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
PATIENCE = 5.0  # seconds that a stopped command waits for its threads
GARBAGE = 20_000  # new objects before Python looks for some to let go of: importing makes many that stay


def run() -> NoReturn:
    """The program: one command, and out."""
    try:
        status = main()
    except SystemExit as error:
        if error.code != TERMINATED:
            raise
        status = TERMINATED
    if status in (INTERRUPTED, TERMINATED):
        # Threads put away what they hold, and Python waits for them. Where the signal came while a pool's thread was
        # starting it would do so for ever: nobody tells that one to end.
        import threading

        sure = threading.Timer(PATIENCE, os._exit, (status,))
        sure.daemon = True
        sure.start()
    sys.exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. -> exit status: 0 done, 1 failed, 2 bad usage, 130 stopped by Ctrl-C."""
    _steady()
    gc.set_threshold(GARBAGE)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's helpers would wait for work where encoders need the room
    parser = _parser()
    args = parser.parse_args(argv)
    if not hasattr(args, "verb"):
        parser.print_help()
        return USAGE
    signal.signal(signal.SIGTERM, _terminated)
    from pipelines.work import FilmError

    try:
        done = int(args.verb(args) or DONE)
        gc.freeze()  # Python looks at every object once more when it ends: a seventh of a second for nothing
        return done
    except FilmError as error:
        if args.debug:
            raise
        _fail(error)
        return FAILED
    except KeyboardInterrupt:
        print("Stopped. Finished parts are kept: run it again to go on.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us left
        return FAILED
    except OSError as error:
        if args.debug:
            raise
        _fail(FilmError(f"{error.filename or 'A file'}: {error.strerror or error}.", "Mend that and run again."))
        return FAILED


def _steady() -> None:
    """Text that the terminal cannot show must not end a render."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _terminated(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(TERMINATED)


def _fail(error: Exception) -> None:
    from pipelines.work import FilmError

    assert isinstance(error, FilmError)
    print(error.message, file=sys.stderr)
    for fault in error.faults:
        print(f"  {fault}", file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    from .cli_text import EPILOG

    parser = argparse.ArgumentParser(
        prog="reelwright", description="A table of scenes becomes a finished film.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show where in the code an error comes from")
    parser.add_argument("--version", action=_Version, help="show the version and stop")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND")

    render = _verb(verbs, "render", "make films from stories (CSV, XLSX, JSON, text)", "studio.verbs:render")
    render.add_argument("stories", nargs="+", type=Path, metavar="STORY")
    render.add_argument("-o", "--output", type=Path, metavar="FILM", help="the film; for several stories a folder")
    render.add_argument("--pictures", type=Path, metavar="DIR", help="folder with the pictures (default: the story's)")
    render.add_argument("--fields", type=Path, metavar="TABLE", help="fill the story's {{name}} from a table: one film a row")
    render.add_argument("--field", action="append", default=[], metavar="NAME=VALUE", help="fill one {{name}} of the story")
    render.set_defaults(story_options=tuple(_STORY_OPTIONS))
    for name, what in _STORY_OPTIONS.items():
        render.add_argument(f"--{name.replace('_', '-')}", metavar=name.split("_")[-1].upper(), help=what)
    _watching(render)

    generate = _verb(verbs, "generate", "one clip from a prompt, a picture or a video", "studio.verbs:generate")
    generate.add_argument("prompt", metavar="PROMPT")
    _clip_options(generate)
    generate.add_argument("--seconds", type=float, default=8.0)
    generate.add_argument("--narration", default="", metavar="TEXT", help="words to be spoken over it")
    generate.add_argument("--music-mood", default="", metavar="MOOD", help="music of that mood under it")
    generate.add_argument("--loras", default="", metavar="NAMES", help="LoRA files by name, with weights: ink, my_face 0.6")
    generate.add_argument("--input-video", type=Path, metavar="FILE", help="the video to make over as the prompt says")
    generate.add_argument("--variations", type=int, default=1, metavar="NUMBER", help="so many, each from another seed")
    _watching(generate)

    chain = _verb(verbs, "chain", "a long clip of segments that carry on from each other", "studio.verbs:chain")
    chain.add_argument("prompt", metavar="PROMPT")
    _clip_options(chain)
    chain.add_argument("--total-duration", type=float, required=True, metavar="SECONDS")
    chain.add_argument("--segment", type=float, default=12.0, metavar="SECONDS")
    chain.add_argument("--prompts", type=Path, metavar="FILE", help="one prompt a line, one for each segment")
    _watching(chain)

    last = _verb(verbs, "last-frame", "the exact last picture of a video", "studio.verbs:last_frame")
    last.add_argument("video", type=Path, metavar="VIDEO")
    last.add_argument("-o", "--output", type=Path, required=True, metavar="IMAGE", help=".png (lossless) or .jpg")

    combine = _verb(verbs, "combine", "several videos as one", "studio.verbs:combine")
    combine.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    combine.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    combine.add_argument("--transition", default="none", metavar="NAME", help="none, fade, crossfade, ...")
    combine.add_argument("--transition-seconds", type=float, default=0.5, metavar="SECONDS")
    _watching(combine)

    upscale = _verb(verbs, "upscale", "a video larger, and as sharp as that allows", "studio.verbs:upscale")
    upscale.add_argument("video", type=Path, metavar="VIDEO")
    upscale.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    upscale.add_argument("--size", default="1920x1080", metavar="WxH", help="it becomes as large as fits into this; a size's name will do")
    upscale.add_argument("--model", default="", metavar="NAME", help="an upscaler that draws it anew, on a GPU: see presets upscalers; auto: the first that is here")
    upscale.add_argument("--prompt", default="", metavar="TEXT", help="what is to be seen, for the model")
    upscale.add_argument("--seed", type=int, default=0, help="for the model")
    _watching(upscale)
    cli_videos.add(partial(_verb, verbs))

    verify = _verb(verbs, "verify", "what made a file, and is its mark whole", "studio.verbs_marks:verify")
    verify.add_argument("files", nargs="+", type=Path, metavar="FILE")
    verify.add_argument("--json", action="store_true", help="as JSON, one file a line")
    engines = _verb(verbs, "engines", "who can paint, shoot, speak and compose here", "studio.verbs:engines")
    engines.add_argument("--json", action="store_true", help="as JSON")
    presets = _verb(verbs, "presets", "moves, transitions, voices, moods, looks, sizes, ...", "studio.verbs:presets")
    presets.add_argument("kind", nargs="?", metavar="KIND", help="moves, transitions, voices, moods, looks, sizes, ...")
    presets.add_argument("--json", action="store_true", help="as JSON")
    fetch = _verb(verbs, "fetch", "a model's weights beforehand, for use without the network", "studio.verbs_fetch:fetch")
    fetch.add_argument("names", nargs="+", metavar="MODEL", help="a preset's name, such as svd-xt; `reelwright engines` lists them")
    fetch.add_argument("--yes", action="store_true", help="do not ask: the licences suit you, and there is room")
    fetch.add_argument("--json", action="store_true", help="one event a line, as JSON")
    doctor = _verb(verbs, "doctor", "look over this machine and its settings", "studio.verbs:doctor")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    _paper(verbs)
    _running(verbs)
    return parser


def _paper(verbs: Verbs) -> None:
    """Commands for what comes before a film: its storyboard, its pictures, its words."""
    sheet = _verb(verbs, "sheet", "a story's storyboard, as a PDF or PNG", "studio.verbs_paper:sheet")
    sheet.add_argument("story", type=Path, metavar="STORY")
    sheet.add_argument("-o", "--output", type=Path, required=True, metavar="SHEET", help=".pdf, or .png (a file a page)")
    sheet.add_argument("--pictures", type=Path, metavar="DIR", help="folder with the pictures (default: the story's)")
    sheet.add_argument("--columns", type=int, default=2, choices=(1, 2, 3), help="pictures side by side (default: 2)")
    sheet.add_argument("--paper", default="a4", choices=("a4", "letter"), help="default: a4")

    style = _verb(verbs, "style", "a picture as if drawn or painted", "studio.verbs_paper:style")
    style.add_argument("picture", type=Path, metavar="PICTURE")
    style.add_argument("--as", dest="style", required=True, metavar="STYLE", help="`reelwright presets styles` lists them")
    style.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help=".png or .jpg")
    style.add_argument("--model", default="", metavar="NAME", help="a painter that draws it anew in that style, on a GPU: see presets painters; auto: the first that is here")
    style.add_argument("--strength", default="", metavar="NAME", help="how far the model goes: subtle, mild or strong")
    style.add_argument("--prompt", default="", metavar="TEXT", help="what is to be seen, for the model")
    style.add_argument("--seed", type=int, default=0, help="for the model")

    prompt = _verb(verbs, "prompt", "what a prompt lacks, and what could be added", "studio.verbs_paper:prompt")
    prompt.add_argument("prompt", metavar="PROMPT")
    prompt.add_argument("--rewrite", action="store_true", help="by the language model of REELWRIGHT_CHAT_URL")
    prompt.add_argument("--json", action="store_true", help="as JSON")
    story = _verb(verbs, "story", "a story about a topic, by a language model", "studio.verbs_paper:story")
    story.add_argument("topic", metavar="TOPIC")
    story.add_argument("-o", "--output", type=Path, required=True, metavar="STORY", help="a .json file")
    story.add_argument("--scenes", type=int, default=6, metavar="NUMBER", help="how many (default: 6)")


def _running(verbs: Verbs) -> None:
    """Commands that start the studio, or ask the one that runs."""
    serve = _verb(verbs, "serve", "the page and the doors for programs", "studio.verbs_serve:serve")
    serve.add_argument("--host", metavar="ADDRESS", help="address to listen on (default: REELWRIGHT_HOST)")
    serve.add_argument("--port", type=int, metavar="NUMBER", help="port to listen on (default: REELWRIGHT_PORT)")
    serve.add_argument("--anybody", action="store_true", help="no key is needed, whoever can reach it")
    jobs = _verb(verbs, "jobs", "the films that the running studio was asked for", "studio.verbs_serve:jobs")
    watch = _verb(verbs, "watch", "what happens to one of them, until it is over", "studio.verbs_serve:watch")
    cancel = _verb(verbs, "cancel", "stop one of them", "studio.verbs_serve:cancel")
    for one in (watch, cancel):
        one.add_argument("id", metavar="ID")
    keys = verbs.add_parser("keys", help="keys for the doors", description="Keys for the doors for programs.")
    several = keys.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add = _verb(several, "add", "make a key; it is shown once", "studio.verbs_serve:add_key")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--films", type=int, default=0, metavar="NUMBER", help="films a day (default: REELWRIGHT_FILMS)")
    add.add_argument("--requests", type=int, default=0, metavar="NUMBER", help="changes a minute (default: REELWRIGHT_REQUESTS)")
    listed = _verb(several, "list", "every key, without itself", "studio.verbs_serve:list_keys")
    revoke = _verb(several, "revoke", "a key opens nothing any more", "studio.verbs_serve:revoke_key")
    revoke.add_argument("name", metavar="NAME")
    for one in (jobs, watch, cancel, add, listed):
        one.add_argument("--json", action="store_true", help="as JSON")


_STORY_OPTIONS = {
    "title": "the film's title",
    "size": "such as 1024x576, wide, tall, square, 1080p",
    "fps": "pictures a second",
    "quality": "draft, standard or master",
    "transition": "how scenes turn into one another",
    "voice": "auto, none, or a voice",
    "music": "auto, none, a composer, or a sound file",
    "captions": "none, sidecar, burned or both",
    "caption_style": "how captions in the picture look",
    "look": "a grade over the whole film; a style also steers models",
    "negative_prompt": "what is not to be seen; for models",
    "motion_intensity": "how much moves: 0 stands still, 0.5 is as said, 1 is wild",
    "loras": "LoRA files by name, with weights: ink, my_face 0.6",
    "logo": "a picture in a corner of the film",
    "logo_place": "top_left, top_right, bottom_left or bottom_right",
    "logo_opacity": "how much of the logo is seen, 0 to 1",
    "fit": "cover, contain-blur, contain or stretch",
    "label": "words in a corner of the picture, such as AI-made",
    "seed": "a whole number; the same seed gives the same film",
}


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"reelwright {version('reelwright')}")
        except PackageNotFoundError:
            print("reelwright, from a checkout")
        parser.exit()


def _verb(verbs: Verbs, name: str, what: str, does: str) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    parser.set_defaults(verb=_later(does))
    return parser


def _later(does: str) -> Callable[[argparse.Namespace], int | None]:
    def run(args: argparse.Namespace) -> int | None:
        from importlib import import_module

        module, _, function = does.partition(":")
        done: int | None = getattr(import_module(module), function)(args)
        return done

    return run


def _clip_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    parser.add_argument("--input-image", type=Path, metavar="FILE", help="the picture to start from (without one it is drawn)")
    parser.add_argument("--size", default="", metavar="WxH", help="such as 1280x720, or a size's name")
    parser.add_argument("--aspect-ratio", default="16:9", metavar="W:H", help="where no size is given")
    parser.add_argument("--style", default="", metavar="NAME", help="a look, such as cinematic, anime or film noir")
    parser.add_argument("--motion", type=float, default=0.5, metavar="0..1", help="how much moves: 0 stands still")
    parser.add_argument("--negative-prompt", default="", metavar="TEXT", help="what is not to be seen; for models")
    parser.add_argument("--camera", default="", metavar="WORDS", help='camera moves, such as "slow zoom in, pan left"')
    parser.add_argument("--engine", default="auto", metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fps", type=float, default=24.0)


def _watching(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one event a line, as JSON")
