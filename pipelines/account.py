"""A film's account of itself: scene by scene what was given and what was made, and by what. Signs nothing.

An engine's `source` says what comes from it, as an IPTC term; an engine that does not say counts as a trained model's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .cast import Cast
from .crew import Crew
from .marks import GIVEN, LEARNED, MIXED, Account, Deed, Given, mixed
from .presets import Presets
from .story import Scene, Story
from .timeline import Take


def source_of(crew: Crew, role: str, name: str) -> str:
    """The term for what that engine makes."""
    return str(getattr(crew.get(role, name), "source", LEARNED))


def account(story: Story, roles: Cast, takes: Mapping[int, Take], crew: Crew, presets: Presets) -> Account:
    """What the finished film is made of."""
    given: list[Given] = []
    deeds: list[Deed] = []
    made: dict[str, dict[str, str]] = {"pictures": {}, "clips": {}, "voice": {}, "music": {}}  # label -> term

    def bring(path: Path, name: str) -> int:
        if path not in (paths := [one.path for one in given]):
            given.append(Given(path, name))
            return len(given) - 1
        return paths.index(path)

    for i, (scene, role) in enumerate(zip(story.scenes, roles.roles, strict=True)):
        n = f"Scene {scene.scene_number}"
        parts = {"clips": ("", "own video")}
        if not role.video:
            parts["clips"] = source_of(crew, "clips", role.engine), role.filmed_by(crew, presets)
        painters = role.painted_by(crew)
        if role.painter:
            parts["pictures"] = source_of(crew, "pictures", role.painter), painters[0]
        anew = (source_of(crew, "pictures", role.stylist), painters[-1]) if role.stylist else ("", "")
        if anew[0]:
            made["pictures"][anew[1]] = anew[0]
        for kind, (source, label) in parts.items():
            if source:
                made[kind][label] = source
        place = bring(scene.image, f"{n}, {'video' if role.video else 'picture'}") if scene.image else None
        terms = {source for source, _ in [*parts.values(), anew] if source} | ({GIVEN} if scene.image else set())
        deeds.append(_seen(scene, n, parts["clips"][1], mixed(terms), place))
        if role.own_voice:
            deeds.append(Deed("c2pa.placed", f"{n}: own voice", GIVEN, bring(role.own_voice, f"{n}, voice")))
        elif i in takes:
            label, source = _voice(crew, takes[i].narrator)
            made["voice"][label] = source
    if roles.own_music:
        deeds.append(Deed("c2pa.placed", "Own music", GIVEN, bring(roles.own_music, "Music")))
    elif roles.composer:
        made["music"][crew.get("music", roles.composer).label] = source_of(crew, "music", roles.composer)
    for role_name in ("voice", "music"):
        deeds += [Deed("c2pa.edited", f"{role_name} by {label}", source) for label, source in made[role_name].items() if source]
    terms = {deed.source for deed in deeds} | ({GIVEN} if given else set())
    told = {kind: ", ".join(sorted(labels)) for kind, labels in made.items() if labels}
    return Account(story.title, mixed(terms) or MIXED, told, tuple(deeds), tuple(given))


def put_together(
    title: str, videos: Sequence[Path], said: str, ours: Account | None = None, by: tuple[str, str] | None = None, kind: str = "Video",
) -> Account:  # fmt: skip
    """The account of a film that was put together of videos, or changed, as `said`. `ours`: that of one among them; `by`:
    what an engine is called that made pictures of it, and its term; `kind`: what was given."""
    given = tuple(Given(path, f"{kind} {i}") for i, path in enumerate(videos, 1))
    deeds = [Deed("c2pa.placed", said, GIVEN, i) for i in range(len(given))]
    made = dict(ours.made) if ours else {}
    source = mixed([GIVEN, ours.source]) if ours else MIXED
    if by and by[1]:
        source, made["clips" if kind == "Video" else "pictures"] = mixed([GIVEN, source, by[1]]), by[0]
        deeds.append(Deed("c2pa.edited", f"Pictures made by {by[0]}", mixed([GIVEN, by[1]])))
    return Account(title, source, made, tuple(deeds), given, said)


def shot_account(title: str, label: str, source: str, picture: Path | None) -> Account:
    """The account of a film that one clip engine made, from a picture or without."""
    given = (Given(picture, "Picture"),) if picture else ()
    whole = mixed([source, *([GIVEN] if picture else [])])
    deed = Deed("c2pa.placed" if picture else "c2pa.edited", f"Shot by {label}", whole, 0 if picture else None)
    return Account(title, whole or MIXED, {"clips": label} if source else {}, (deed,), given)


def _seen(scene: Scene, n: str, label: str, source: str, place: int | None) -> Deed:
    if place is None:
        return Deed("c2pa.edited", f"{n}: drawn by {label}", source)
    return Deed("c2pa.placed", f"{n}: {label}", source, place)


def _voice(crew: Crew, narrator: str) -> tuple[str, str]:
    from .crew import names

    if narrator not in names("voices"):
        return narrator, LEARNED
    return crew.get("voices", narrator).label, source_of(crew, "voices", narrator)
