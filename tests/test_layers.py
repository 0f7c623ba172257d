"""The house's rules, read from its own source: who may import whom, where programs are started, how long a module is."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Lower may not import higher; one line imports downward only, or among itself. A trailing dot: every module below.
LAYERS = (
    ("pipelines.work", "pipelines.events", "pipelines.marks"),
    ("pipelines.vault", "pipelines.ffmpeg", "pipelines.cards", "pipelines.focus", "pipelines.faces"),
    ("pipelines.gate",),
    ("pipelines.telecine",),
    ("pipelines.drawing.vocabulary",),
    ("pipelines.presets", "pipelines.loras"),
    ("pipelines.moves", "pipelines.shots", "pipelines.language", "pipelines.story", "pipelines.story_cells", "pipelines.story_fields", "pipelines.story_files", "pipelines.story_moods", "pipelines.template", "pipelines.story_formats", "pipelines.story_pictures", "pipelines.folding", "pipelines.policy"),
    ("pipelines.plan", "pipelines.titles", "pipelines.styles", "pipelines.helper"),
    ("pipelines.path", "pipelines.timeline"),
    ("pipelines.drawing.",),
    ("pipelines.typefaces", "pipelines.captions", "pipelines.loudness", "pipelines.darkroom", "pipelines.darkroom_child"),
    ("pipelines.paper", "pipelines.printer"),
    ("pipelines.lettering", "pipelines.banners", "pipelines.subtitles", "pipelines.exports.", "pipelines.film", "pipelines.sound", "pipelines.mp4", "pipelines.splice", "pipelines.watermark", "pipelines.tag", "pipelines.label"),
    ("pipelines.gear.",),
    ("pipelines.chat",),
    ("pipelines.pictures.", "pipelines.clips.", "pipelines.voices.", "pipelines.music."),
    ("pipelines.crew", "pipelines.unit", "pipelines.units", "pipelines.turns"),
    ("pipelines.progress", "pipelines.hands", "pipelines.faults", "pipelines.stock", "pipelines.wearing", "pipelines.cast", "pipelines.stage", "pipelines.terms", "pipelines.roster", "pipelines.logo"),
    ("pipelines.certificate", "pipelines.credentials", "pipelines.account", "pipelines.seal"),
    ("pipelines.redraw",),
    ("pipelines.album",),
    ("pipelines.restyle",),
    ("pipelines.schedule",),
    ("pipelines.clip", "pipelines.steady", "pipelines.footage", "pipelines.upscale", "pipelines.atmos", "pipelines.narrate", "pipelines.score", "pipelines.rushes", "pipelines.estimate", "pipelines.stretches", "pipelines.deliver", "pipelines.video", "pipelines.frames", "pipelines.variations"),
    ("pipelines.render", "pipelines.watermark_reader"),
    ("pipelines.verify",),
    ("pipelines.preview",),
    ("pipelines.board", "pipelines.people"),
    ("pipelines.reel",),
    ("pipelines.verbs.", "pipelines.chain"),
    ("studio.settings", "studio.held", "studio.keys"),
    ("studio.job",),
    ("studio.jobs", "studio.limits"),
    ("studio.project",),
    ("studio.shelf",),
    ("studio.consent",),
    ("studio.desk",),
    ("studio.bundle", "studio.production", "studio.samples", "studio.workshop"),
    ("studio.takes",),
    ("studio.terminal", "studio.checkup", "studio.gradio_stubs"),
    ("studio.api.", "studio.ui", "studio.ui."),
    ("studio.serve",),
    ("studio.verbs", "studio.verbs_serve", "studio.verbs_paper", "studio.verbs_videos", "studio.verbs_marks", "studio.verbs_fetch"),
    ("studio.front",),
    ("studio.cli_text", "studio.cli_videos", "studio.cli"),
    ("studio.__main__",),
)
COMING = {"studio.api."}  # named by the design before they are built
ENGINES = ("pictures", "clips", "voices", "music")
STARTERS = {"pipelines/ffmpeg.py", "pipelines/darkroom.py", "pipelines/voices/_espeak.py", "pipelines/units.py", "pipelines/unit.py"}
LATE = {"c2pa", "cryptography", "aiohttp", "torch", "diffusers", "transformers", "accelerate", "audiocraft", "edge_tts", "symusic", "openpyxl", "fontTools", "fpdf", "pypdfium2", "gradio", "fastapi", "pandas", "onnxruntime"}
WEB = {"gradio", "fastapi", "starlette", "uvicorn", "studio"}
MOST_LINES = 400

PAGE = "studio/ui/"  # imported when the page is opened; it is made of Gradio

SOURCES = sorted(path.relative_to(ROOT).as_posix() for top in ("pipelines", "studio") for path in (ROOT / top).rglob("*.py"))
MODULES = [path for path in SOURCES if not path.endswith("__init__.py")]


def named(source: str) -> str:
    return source.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


OURS = set(map(named, SOURCES))


@cache
def tree(source: str) -> ast.Module:
    return ast.parse((ROOT / source).read_text("utf-8"), source)


@cache
def imports(source: str, *, everywhere: bool = True) -> frozenset[str]:
    """Modules by full name; not `everywhere`: only those that importing the module imports."""
    found: set[str] = set()
    package = named(source).split(".")[:-1]
    for node in _nodes(tree(source), everywhere):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            ours = {f"{module}.{alias.name}" for alias in node.names}
            known = ours & OURS
            found |= known or {module}
    return frozenset(found)


def _nodes(top: ast.AST, everywhere: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(top):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not everywhere:
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _nodes(node, everywhere)


def layer(module: str) -> int:
    for i, names in enumerate(LAYERS):
        if any(module == name or (name.endswith(".") and f"{module}.".startswith(name)) for name in names):
            return i
    raise AssertionError(f"{module} is in no layer: put it into LAYERS")


@pytest.mark.parametrize("source", MODULES)
def test_imports_run_downward(source: str) -> None:
    own = layer(named(source))
    ours = {name for name in imports(source) if name.split(".")[0] in ("pipelines", "studio") and name not in ("pipelines", "studio")}
    higher = {name for name in ours if layer(name) > own}
    assert not higher, f"{source} imports from above: {', '.join(sorted(higher))}"


@pytest.mark.parametrize("source", [source for source in MODULES if source.split("/")[1] in ENGINES])
def test_an_engine_knows_no_other_engine(source: str) -> None:
    package = ".".join(named(source).split(".")[:2])
    for name in imports(source):
        others = [f"pipelines.{role}" for role in ENGINES]
        if any(name.startswith(other) for other in others):
            assert name.startswith(package), f"{source} imports another role's {name}"
            assert name == package or name.split(".")[2].startswith("_"), f"{source} imports the engine {name}"


@pytest.mark.parametrize("source", [source for source in SOURCES if source.startswith("pipelines")])
def test_pipelines_know_nothing_of_the_web(source: str) -> None:
    assert not {name.split(".")[0] for name in imports(source)} & WEB


@pytest.mark.parametrize("source", SOURCES)
def test_heavy_libraries_are_imported_where_they_are_used(source: str) -> None:
    late = LATE - {"gradio", "pandas"} if source.startswith(PAGE) else LATE
    assert not {name.split(".")[0] for name in imports(source, everywhere=False)} & late


@pytest.mark.parametrize("source", SOURCES)
def test_programs_are_started_in_three_places_only(source: str) -> None:
    starts = {"subprocess", "multiprocessing", "pty"} & {name.split(".")[0] for name in imports(source)}
    calls = re.findall(r"\bos\.(?:system|popen|exec\w+|spawn\w+|posix_spawn\w*)\(|create_subprocess", (ROOT / source).read_text("utf-8"))
    assert not calls
    assert not starts or source in STARTERS, f"{source} imports {starts}"


@pytest.mark.parametrize("source", SOURCES)
def test_modules_are_short_and_say_what_they_are_for(source: str) -> None:
    text = (ROOT / source).read_text("utf-8")
    assert text.count("\n") <= MOST_LINES, "split it"
    assert ast.get_docstring(tree(source)), "it begins with a sentence"


@pytest.mark.parametrize("source", SOURCES)
def test_no_failure_is_swallowed_unseen(source: str) -> None:
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            names = set(re.findall(r"\w+", caught))
            assert caught, f"{source}:{node.lineno}: a bare except"
            assert "Exception" not in names, f"{source}:{node.lineno}: except Exception"
            if "BaseException" in names:
                assert any(isinstance(inner, ast.Raise) for inner in ast.walk(node)), f"{source}:{node.lineno}: caught and kept"
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress":
            assert not {"Exception", "BaseException"} & {ast.unparse(arg) for arg in node.args}


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_runs_code_that_came_from_elsewhere(source: str) -> None:
    for node in ast.walk(tree(source)):
        assert not (isinstance(node, ast.keyword) and node.arg == "trust_remote_code"), source
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "pickle.load", "pickle.loads", "marshal.loads", "yaml.load"), f"{source}:{node.lineno}"
            shell = [ast.unparse(word.value) for word in node.keywords if word.arg == "shell"]
            assert shell in ([], ["False"]), f"{source}:{node.lineno}: a shell"


# What people write: names of values that hold it. None may be put into a text that ffmpeg reads as filters.
WRITTEN = re.compile(r"\b(?:title|prompt|narration|text|story|scene|script|words|name|stem|path|caption_style|clip_action)\b(?!\()")
FILTERS = re.compile(r"(?:^|[,;\]])(?:scale|crop|subtitles|ass|drawtext|movie|amovie|setpts|fps|xfade|eq|colorbalance|colortemperature|curves|vignette|noise|gblur|afade|atrim|volume|highpass|concat|trim|tpad|pad)=")


@pytest.mark.parametrize("source", [source for source in SOURCES if source.startswith("pipelines")])
def test_no_word_of_a_story_gets_into_a_filter(source: str) -> None:
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.JoinedStr):
            said = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            put = [ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)]
            if FILTERS.search(said):
                assert not [one for one in put if WRITTEN.search(one)], f"{source}:{node.lineno}: {put}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
            assert not FILTERS.search(str(node.left.value)), f"{source}:{node.lineno}: a filter is formatted with %"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            assert not FILTERS.search(ast.unparse(node.func.value).strip("'\"")), f"{source}:{node.lineno}"


def test_every_input_of_ffmpeg_is_given_a_demuxer() -> None:
    for source in SOURCES:
        for node in ast.walk(tree(source)):
            if isinstance(node, ast.List | ast.Tuple):
                items = [item.value if isinstance(item, ast.Constant) else "" for item in node.elts]
                if "-i" in items and not any(isinstance(item, ast.Starred) for item in node.elts[: items.index("-i")]):
                    assert "-f" in items[: items.index("-i")], f"{source}:{node.lineno}: -i without -f"


def test_every_layer_is_there() -> None:
    modules = {named(source) for source in SOURCES}
    for name in (name for names in LAYERS for name in names if not name.endswith(".")):
        assert name in modules or name in COMING, f"{name} is in LAYERS but not in the house"


def test_the_python_that_is_written_is_the_oldest_that_is_promised() -> None:
    for source in SOURCES:
        ast.parse((ROOT / source).read_text("utf-8"), source, feature_version=(3, 11))
    assert sys.version_info >= (3, 11)
