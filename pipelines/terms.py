"""On what terms models come: said before the first film, video or picture that uses one on this machine, then never
again unless they change.

What was said is a part in the vault, so it is nowhere else to be looked after. Makes nothing and refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .cast import Cast
from .crew import Crew
from .events import Warned
from .presets import Model, Presets
from .vault import Notes, Vault

ONCE = "This is said once, before a model is first used on this machine."


def said(model: Model) -> str:
    """Its terms, as a sentence."""
    return f"{model.label}: its licence is {model.terms}."


def news(used: Mapping[str, Model], vault: Vault) -> Iterator[Warned]:
    """What people were not told yet of models, by the place in a story (or the option) that asks for each."""
    for where, model in used.items():
        sentence = said(model)

        def build(out: Path, sentence: str = sentence) -> Notes:
            out.write_text(sentence, "utf-8")
            return {}

        if not vault.make("terms", ".txt", [model.repo, sentence], build).reused:
            yield Warned(sentence, ONCE, where)


def of_film(roles: Cast, crew: Crew, presets: Presets) -> dict[str, Model]:
    """Every model that a film uses, by the first place that asks for it: for its clips, its pictures, its music."""
    found: list[tuple[str, Model | None]] = []
    for i, role in enumerate(roles.roles):
        if i in roles.lacking:
            continue
        found += [(f"scenes[{i}].engine", presets.models.get(role.model))]
        found += [(f"scenes[{i}].prompt", of_painter(crew, role.painter))] if role.painter else []
        found += [(f"scenes[{i}].picture_style", of_painter(crew, role.stylist, anew=True))] if role.stylist else []
    found += [("music", of_composer(crew, roles.composer))] if roles.composer else []
    return dict(_each(found))


def of_painter(crew: Crew, name: str, named: str = "", *, anew: bool = False) -> Model | None:
    """The model that a painter would use now, by the name `named` or of its own choice; anew: for a given picture."""
    asked = getattr(crew.get("pictures", name), "uses", None)
    made: Model | None = asked(named, anew=anew) if asked else None
    return made


def of_composer(crew: Crew, name: str) -> Model | None:
    """The model that a composer would play now."""
    asked = getattr(crew.get("music", name), "uses", None)
    made: Model | None = asked() if asked else None
    return made


def _each(found: Iterable[tuple[str, Model | None]]) -> Iterator[tuple[str, Model]]:
    known = set[tuple[str, str]]()
    for where, model in found:
        if model and (model.repo, model.terms) not in known:
            known.add((model.repo, model.terms))
            yield where, model
