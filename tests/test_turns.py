"""One model at a time on each device: whoever comes next waits, whoever was there lets its model go, the rest goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines import preview
from pipelines.crew import Crew
from pipelines.gear.depth import Depth
from pipelines.presets import Model, Presets
from pipelines.render import Studio, render
from pipelines.turns import Seat, Sitting, Turns
from pipelines.units import possible
from pipelines.work import Cancelled, FilmError, idle

from . import tiny, tiny_films, whole

SEATED = (("clips", "svd"), ("clips", "diffusers"), ("clips", "open_sora"), ("pictures", "diffusers"), ("music", "musicgen"), ("music", "ace_step"), ("music", "audiocraft"))


class Player:
    """Has a model on one device."""

    def __init__(self, device: str = "cpu") -> None:
        self.device, self.loaded = device, False

    def seat(self) -> str:
        return self.device

    def close(self) -> None:
        self.loaded = False


def waits(work: Callable[[], Any], pool: ThreadPoolExecutor) -> Any:
    """The work, begun; it waits."""
    begun = pool.submit(work)
    with pytest.raises(TimeoutError):
        begun.result(0.2)
    return begun


def test_who_comes_next_waits_and_finds_the_place_empty() -> None:
    crew, one, two = Crew(), Player(), Player()
    with ThreadPoolExecutor(1) as pool:
        with crew.turn(one):
            one.loaded = True
            with crew.turn(one):
                assert one.loaded, "it may have its turn again within it"

            def next_one() -> bool:
                with crew.turn(two):
                    return one.loaded

            later = waits(next_one, pool)
        assert not later.result(5)
    with crew.turn(two):
        two.loaded = True
    with crew.turn(two):
        assert two.loaded, "what nobody else needs the place for stays warm"
    with crew.turn(Player("cuda:0")):
        assert two.loaded, "that is another place"


def test_first_come_first_served() -> None:
    turns, order, players = Turns(), list[int](), [Player() for _ in range(4)]
    seats = [Seat(("a",), one, lambda _device: None) for one in players]

    def play(i: int) -> None:
        with turns.taken(players[i], seats[i], idle):
            order.append(i)

    with ThreadPoolExecutor(4) as pool, turns.taken(players[0], seats[0], idle):
        for i in (1, 2, 3):
            waits(lambda i=i: play(i), pool)  # type: ignore[misc]
    assert order == [1, 2, 3]


def test_one_that_nobody_wants_any_more_does_not_wait() -> None:
    crew, one, two, stopped = Crew(), Player(), Player(), threading.Event()

    def tick(_done: float) -> None:
        if stopped.is_set():
            raise Cancelled

    def play() -> None:
        with crew.turn(two, tick):
            raise AssertionError("it had no turn")

    with ThreadPoolExecutor(1) as pool, crew.turn(one):
        later = waits(play, pool)
        stopped.set()
        with pytest.raises(Cancelled):
            later.result(5)
    with crew.turn(two, patient=False):
        pass  # and nobody waits for it
    with crew.turn(one), pytest.raises(FilmError, match="at work"), crew.turn(two, patient=False):
        pass


def test_a_sitting_is_one_turn_for_several_works() -> None:
    crew, painter, other = Crew(), Player(), Player()
    sitting = Sitting(lambda tick: crew.turn(painter, tick), 2)
    with ThreadPoolExecutor(1) as pool:
        sitting.over()
        sitting.take(idle)
        with crew.turn(painter):
            pass

        def play() -> bool:
            with crew.turn(other):
                return True

        later = waits(play, pool)
        sitting.over()
        assert later.result(5)
    sitting.take(idle)
    with crew.turn(other, patient=False):
        pass  # a sitting that is over takes nothing more
    gone = Sitting(lambda tick: crew.turn(painter, tick), 2)
    gone.take(idle)
    gone.close()
    with crew.turn(other, patient=False):
        pass


def held(one: Any) -> Any:
    """Where an engine keeps its model."""
    depth = getattr(one, "_model", None)
    return depth if isinstance(depth, Depth) else getattr(one, "_floor", one)


def put(one: Any, model: Any) -> None:
    setattr(held(one), "loaded" if hasattr(held(one), "loaded") else "_loaded", model)


def got(one: Any) -> Any:
    return held(one).loaded if hasattr(held(one), "loaded") else held(one)._loaded


def test_all_that_keep_a_model_take_their_turns(presets: Presets) -> None:
    upscalers, cpu = {"upscalers": {"device": "cpu"}}, {"device": "cpu"}
    crew = Crew({f"{role}.{name}": cpu for role, name in SEATED} | upscalers)
    every = [crew.get(role, name) for role, name in SEATED] + [crew.get("clips", "parallax"), crew.upscaler(presets.upscalers["sd-x4"])]
    assert crew.upscaler(presets.upscalers["sd-x4"]) is every[-1] and isinstance(held(every[-2]), Depth)
    for before, one in zip([None, *every], every, strict=False):
        with crew.turn(one):
            assert before is None or got(before) is None, f"{before} lets its model go for {one}"
            put(one, ("model", None))
    for _, name, one in crew.everybody():
        keeps = any(hasattr(held(one), where) for where in ("loaded", "_loaded"))
        assert hasattr(one, "seat") or not keeps or name in ("kokoro", "piper"), f"{name} takes no turn"


@pytest.mark.skipif(not possible(), reason="processes cannot be talked to here")
def test_processes_on_several_devices_leave_the_one_that_is_needed(tmp_path: Path, presets: Presets) -> None:
    with whole.extras(), whole.studio(presets, tmp_path / "vault", Crew({"unit": {"marks": str(tmp_path)}, "edge": {"online": False}}, ("one", "two"))) as studio:
        rows = [{"image": None, "prompt": f"{i} both", "engine": "unit", "duration": 0.5, "clip_action": "static"} for i in range(2)]
        crew = studio.crew
        composer = Player("one")
        with ThreadPoolExecutor(1) as pool:
            with crew.turn(composer):
                later = waits(lambda: whole.make(whole.story(presets, tmp_path, rows), studio, tmp_path / "film.mp4"), pool)
            assert later.result(60).made["clips"] == [1, 2]
        units = crew._units[0]._units
        assert set(units) == {0, 1} and all(unit.runs for unit in units.values()), "they stay warm"
        with crew.turn(composer):
            assert set(units) == {1} and units[1].runs


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "svd": tiny.svd(folder / "svd"), "wan": tiny_films.saved("wan-1.3b", folder / "wan"), "sdxl": tiny_films.saved("sdxl", folder / "sdxl"),
        "musicgen": tiny.musicgen(folder / "musicgen"),
    }  # fmt: skip


@contextmanager
def small(presets: Presets, models: dict[str, Path], folder: Path) -> Iterator[Studio]:
    """Two clip engines, a painter and a composer with tiny models, all on the CPU."""
    wan, sdxl, size = presets.models["wan-1.3b"], presets.painters["sdxl"], {"size": [64, 64], "steps": 2}
    clips = {
        "still": Model("S", "", "svd", str(models["svd"]), options={"frames": 3, "variant": ""} | size),
        "said": replace(wan, repo=str(models["wan"]), revision="", options=dict(wan.options) | size | {"most": 9}),
    }
    painters = {"p": replace(sdxl, repo=str(models["sdxl"]), options=dict(sdxl.options) | size | {"variant": ""})}
    composers = {"m": Model("M", "", "musicgen", str(models["musicgen"]), options={"window": 2.0, "kept": 0.5})}
    own, cpu = replace(presets, models=clips, painters=painters, composers=composers), {"device": "cpu"}
    told = {"svd": cpu, "clips.diffusers": cpu, "pictures.diffusers": cpu | {"models": painters}, "musicgen": cpu | {"models": composers}}
    with whole.studio(own, folder, Crew({"edge": {"online": False}} | told)) as studio:
        yield studio


class Watch:
    """What lies in memory while a film is made, and how often each was loaded."""

    def __init__(self, crew: Crew) -> None:
        self.engines = {name: crew.get(role, name) for role, name in (("clips", "svd"), ("music", "musicgen"))}
        self.engines |= {"wan": crew.get("clips", "diffusers"), "sdxl": crew.get("pictures", "diffusers")}
        self.seen: list[frozenset[str]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.002):
            now = frozenset(name for name, one in self.engines.items() if got(one))
            if not self.seen or self.seen[-1] != now:
                self.seen.append(now)

    @property
    def came(self) -> list[str]:
        """Who came into memory, in order."""
        return [next(iter(one)) for one in self.seen if one]


def test_one_film_has_one_model_in_memory_and_loads_each_once(presets: Presets, models: dict[str, Path], tmp_path: Path) -> None:
    """Scene by scene they would come eight times."""
    rows = [{"duration": 0.5, "engine": engine, "prompt": f"a cat {i}", "clip_action": "static", "image": None} for i, engine in enumerate(("still", "said") * 3)]
    with small(presets, models, tmp_path / "vault") as studio:
        with Watch(studio.crew) as watch:
            film = whole.make(whole.story(studio.presets, tmp_path, rows, music="musicgen"), studio, tmp_path / "film.mp4")
        assert film.made["clips"] == [1, 2, 3, 4, 5, 6]
        assert all(len(one) <= 1 for one in watch.seen), "one model resident at a time"
        assert sorted(watch.came) == ["musicgen", "sdxl", "svd", "wan"], "each comes once"
        assert watch.came.index("sdxl") < watch.came.index("svd"), "pictures come first"
        last = watch.engines[watch.came[-1]]
        assert got(last), "the last one stays warm"


def test_the_next_film_finds_its_model_warm(presets: Presets, models: dict[str, Path], tmp_path: Path) -> None:
    whole.pictures(tmp_path, 2)
    with small(presets, models, tmp_path / "vault") as studio:
        warm = []
        for seed in (1, 2):
            rows = [{"duration": 0.5, "engine": "still", "clip_action": "static"}] * 2
            film = whole.make(whole.story(studio.presets, tmp_path, rows, seed=seed), studio, tmp_path / "film.mp4")
            assert film.made["clips"] == [1, 2]
            warm.append(got(studio.crew.get("clips", "svd"))[1])
        assert warm[0] is warm[1]


class Ears:
    """Hears events until nobody wants the film."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def __call__(self, _event: object) -> None:
        if self.stopped.is_set():
            raise Cancelled

    def wanted(self) -> bool:
        return not self.stopped.is_set()


def test_a_film_that_waits_for_its_turn_can_be_stopped_and_the_rest_is_not_held_up(presets: Presets, models: dict[str, Path], tmp_path: Path) -> None:
    whole.pictures(tmp_path, 2)
    with small(presets, models, tmp_path / "vault") as studio, ThreadPoolExecutor(1) as pool, ExitStack() as turn:
        turn.enter_context(studio.crew.turn(Player()))
        plain = whole.story(studio.presets, tmp_path, [{"duration": 0.5, "engine": "camera"}, {"duration": 0.5, "engine": "sketch", "image": None, "prompt": "a tree"}], music="bandstand")
        assert whole.make(plain, studio, tmp_path / "plain.mp4").path.is_file(), "what needs no model goes on beside it"
        with pytest.raises(FilmError, match="at work"):
            preview.music_sample("calm", "musicgen", studio)
        ears, made = Ears(), tmp_path / "film.mp4"
        rows = [{"duration": 0.5, "engine": "still"}, {"duration": 0.5, "engine": "said", "prompt": "a cat", "image": None}]
        story = whole.story(studio.presets, tmp_path, rows, music="musicgen")
        later = waits(lambda: render(story, studio, ears, made), pool)
        ears.stopped.set()
        with pytest.raises(Cancelled):
            later.result(20)
        turn.close()
        assert preview.music_sample("calm", "musicgen", studio).path.is_file()


@pytest.mark.parametrize(("role", "name", "kind"), [("pictures", "diffusers", "painters"), ("music", "ace_step", "composers")])
def test_a_warm_model_keeps_its_place_and_another_has_room_without_it(role: str, name: str, kind: str, presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies on the device already is not free: by that alone, a second film would load its model anew, thriftier."""
    engine = Crew({f"{role}.{name}": {"device": "cpu"}}).get(role, name)
    one, other = (next(iter(getattr(presets, kind).values())), Model("Another", "", name, "other/weights"))
    at = list[object]()
    monkeypatch.setattr(f"pipelines.{role}.{name}.plan", lambda *_given: at.append(engine._loaded) or "stream")
    engine._loaded = one, "resident False", "pipe"
    assert engine._way(one) == "resident" and engine._loaded and not at
    assert engine._way(other) == "stream" and at == [None], "it is let go before what is free is looked at"
