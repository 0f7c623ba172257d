"""What a person sets for a whole machine: one frozen value from the environment and `.env`, read once.

Every setting has a line in `.env.example` and in `reelwright doctor`; both come from here.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from pipelines.work import FilmError

if TYPE_CHECKING:
    from pipelines.chat import Chat
    from pipelines.marks import Identity, Marks
    from pipelines.policy import Policy
    from pipelines.presets import Presets
    from pipelines.render import Studio
    from pipelines.vault import Vault

HOME = Path(__file__).resolve().parents[1]  # where presets and assets lie, in a checkout and installed alike
PREFIX = "REELWRIGHT_"
UPLOADS = "uploads"  # in the data folder
GIGA, HOUR, DAY = 1_000_000_000, 3600.0, 86400.0
ON_SPACE: dict[str, Any] = {"host": "0.0.0.0", "films_at_once": 1, "most_seconds": 180.0, "most_pixels": 1280 * 720}


def on_space() -> bool:
    """Whether this is a Hugging Face Space."""
    return bool(os.environ.get("SPACE_ID"))


def _data() -> Path:
    """The platform's folder for user data; on a Space its lasting disk, or whatever can be written."""
    usual = user_data_path("reelwright", appauthor=False)
    if not on_space():
        return usual
    for folder in (*([Path("/data/reelwright")] if os.path.ismount("/data") else []), usual):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.gettempdir()) / "reelwright"


class Settings(BaseModel):
    """Environment variables with the prefix REELWRIGHT_; an empty one is as if it were not there."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    data: Path = Field(
        default_factory=_data,
        description="Folder for finished parts, projects and jobs.",
    )
    presets: Path | None = Field(None, description="Folder with presets of your own; they come after the shipped ones.")
    online_voices: bool = Field(True, description="0: no narration is sent to an online service.")
    voices: Path | None = Field(None, description="Folder with voice files of your own, Piper's and Kokoro's; if not set, voices in the data folder.")
    loras: Path | None = Field(None, description="Folder with LoRA files of your own (safetensors); if not set, loras in the data folder.")
    mix_voices: bool = Field(False, description="1: when a narrator fails, another may speak the rest of the film.")
    videos_url: str = Field("", description="A server that speaks /v1/videos, up to and with /v1. Prompts and pictures go there.")
    videos_key: SecretStr = Field(SecretStr(""), description="That server's key.")
    comfyui_url: str = Field("", description="Your ComfyUI, such as http://127.0.0.1:8188. Prompts and pictures go there.")
    chat_url: str = Field("", description="A language model's server that speaks /v1/chat/completions, up to and with /v1. Topics and prompts go there.")
    chat_key: SecretStr = Field(SecretStr(""), description="That server's key.")
    chat_model: str = Field("", description="The model's name there.")
    vault_gigabytes: float = Field(20.0, gt=0, description="Finished parts are kept up to so much; the oldest go first.")
    vault_days: float = Field(60.0, gt=0, description="Finished parts that nobody used for so long go.")
    project_days: float = Field(180.0, gt=0, description="Projects of the studio's page that nobody changed for so long go.")
    film_days: float = Field(60.0, gt=0, description="Films made by the studio's page and doors are kept so long.")
    marks: str = Field("all", description="How films are marked: all, none, or some of credentials, watermark, tag.")
    certificate: Path | None = Field(None, description="Your certificate for Content Credentials: a PEM file, the signer's first. Empty: a self-made one.")
    certificate_key: Path | None = Field(None, description="That certificate's key: a PEM file without a password.")
    moderation_url: str = Field("", description="A server that speaks OpenAI's /moderations, up to and with /v1: every text is sent there first.")
    moderation_key: SecretStr = Field(SecretStr(""), description="That server's key.")
    host: str = Field("127.0.0.1", description="Address that `serve` listens on. Any but this machine's own needs keys.")
    port: int = Field(7860, ge=0, le=65535, description="Port that `serve` listens on; 0 takes a free one.")
    hosts: str = Field("", description="Names under which browsers may reach the studio, with commas between.")
    media_root: Path | None = Field(None, description="Folder whose folders of pictures programs may name.")
    log_level: Literal["error", "warning", "info"] = Field("warning", description="info: a line for every request.")
    requests: int = Field(120, ge=0, description="Changes a minute by one key or address; 0: no limit. Reading: ten times as many.")
    films: int = Field(0, ge=0, description="Films a day by one key or address; 0: no limit.")
    films_at_once: int = Field(0, ge=0, description="Films of one person that may wait or be made at a time; 0: no limit.")
    most_seconds: float = Field(0.0, ge=0, description="The longest film; 0: no limit.")
    most_pixels: int = Field(0, ge=0, description="The largest picture of a film, in pixels; 0: no limit.")
    upload_megabytes: int = Field(512, gt=0, description="The largest upload.")
    webhook_url: str = Field("", description="Where the Videos API tells that a video is done.")
    webhook_secret: SecretStr = Field(SecretStr(""), description="What those messages are signed with, as whsec_...")
    private_addresses: bool = Field(False, description="1: webhooks and pictures' addresses may be in a private network.")


def read() -> Settings:
    """The settings; the environment comes before `.env`. FilmError names the one that cannot be used."""
    given = dict(os.environ)
    if Path(".env").is_file():
        from dotenv import dotenv_values

        given = {name: value or "" for name, value in dotenv_values(".env").items()} | given
    known = {PREFIX + name.upper(): name for name in Settings.model_fields}
    told: dict[str, Any] = {known[name]: value for name, value in given.items() if name in known and value}
    if port := given.get("PORT") or given.get("GRADIO_SERVER_PORT"):
        told = {"port": port} | told
    try:
        return Settings.model_validate((ON_SPACE | told) if on_space() else told)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise FilmError(f"The setting {name} cannot be used: {first['msg']}.", "Mend it in the environment or .env.", name) from error


def sweep(settings: Settings, vault: Vault) -> None:
    """Let go of finished parts beyond what the settings keep, and of uploads: what a project needs of them it copied."""
    vault.sweep(int(settings.vault_gigabytes * GIGA), settings.vault_days * DAY)
    _clear(settings.data / UPLOADS, DAY)


def _clear(folder: Path, age: float) -> None:
    """Delete files that came there longer ago than that, and folders that are empty then."""
    for where, _, names in os.walk(folder, topdown=False):
        for name in names:
            with suppress(OSError):
                told = os.lstat(os.path.join(where, name))
                if time.time() - max(told.st_mtime, told.st_ctime) > age:
                    os.unlink(os.path.join(where, name))
        with suppress(OSError):  # it is not empty
            if where != str(folder) and time.time() - os.lstat(where).st_mtime > HOUR:
                os.rmdir(where)


def _keep_memory() -> None:
    """Tell glibc to use freed memory again instead of handing it back and asking anew: sound and pictures come and go
    in blocks of megabytes, and each new page costs. Two arenas keep the whole small. Elsewhere this does nothing."""
    if sys.platform != "linux":
        return
    import ctypes

    arenas, mapped, trimmed = -8, -3, -1  # M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD in malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return
    for name, value in ((arenas, 2), (mapped, 32 << 20), (trimmed, 256 << 20)):
        mallopt(name, value)


def presets(settings: Settings) -> Presets:
    """The shipped presets, and a person's own."""
    from pipelines.loras import known
    from pipelines.presets import read as read_presets

    read = read_presets(HOME / "presets", *([settings.presets] if settings.presets else []))
    return replace(read, loras=known(read.loras, settings.loras or settings.data / "loras"))


def chat(settings: Settings) -> Chat:
    """The language model that was set, if any."""
    from pipelines.chat import Chat

    return Chat(settings.chat_url, settings.chat_model, settings.chat_key.get_secret_value())


def studio(settings: Settings) -> Studio:
    """What a render works with, on this machine."""
    from pipelines.cards import devices
    from pipelines.crew import Crew
    from pipelines.gear import zero
    from pipelines.render import Studio
    from pipelines.units import possible
    from pipelines.vault import Vault

    _keep_memory()
    known = presets(settings)
    crew = Crew(
        {
            "edge": {"online": settings.online_voices},
            "piper": {"folder": settings.voices or settings.data / "voices"},
            "kokoro": {"folder": settings.voices or settings.data / "voices"},
            "pictures.diffusers": {"models": known.painters},
            "musicgen": {"models": known.composers},
            "ace_step": {"models": known.composers},
            "audiocraft": {"models": known.composers},
            "videos_api": {"url": settings.videos_url, "key": settings.videos_key.get_secret_value()},
            "comfyui": {"url": settings.comfyui_url},
        },
        devices() if possible() else (),
    )
    if zero.here():
        list(crew.everybody())  # what is to run on a GPU that is lent has to be known from the start
    vault = Vault(settings.data / "vault")
    vault.tidy()
    return Studio(crew, known, vault, HOME / "assets" / "fonts", mix_voices=settings.mix_voices, marks=_marks(settings), policy=_policy(settings))


def _policy(settings: Settings) -> Policy:
    from pipelines.policy import read as read_policy

    policy = read_policy(HOME / "presets", *([settings.presets] if settings.presets else []))
    if not settings.moderation_url:
        return policy
    from pipelines.gear.moderation import Moderation

    return replace(policy, judge=Moderation(settings.moderation_url, settings.moderation_key.get_secret_value()))


def identity(settings: Settings) -> Identity:
    """Who signs films here."""
    from pipelines.certificate import kept
    from pipelines.marks import Identity

    if (settings.certificate is None) != (settings.certificate_key is None):
        raise FilmError("A certificate and its key belong together.", "Set REELWRIGHT_CERTIFICATE and REELWRIGHT_CERTIFICATE_KEY, or neither.")
    if settings.certificate and settings.certificate_key:
        return Identity(settings.certificate, settings.certificate_key)
    return kept(settings.data / "credentials")


def _marks(settings: Settings) -> Marks:
    from pipelines.marks import Marks, chosen

    names = chosen(settings.marks)
    return Marks("watermark" in names, "tag" in names, identity(settings) if "credentials" in names else None)
