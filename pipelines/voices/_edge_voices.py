"""The speakers of the Edge read-aloud service by locale: names only, so that listing them needs no network."""

from __future__ import annotations

from typing import Literal, NamedTuple

# Each line is a locale, its female names and, after the bar, its male ones. The first is the locale's usual voice.
SPEAKERS = """
af-ZA Adri | Willem
am-ET Mekdes | Ameha
ar-AE Fatima | Hamdan
ar-EG Salma | Shakir
ar-SA Zariyah | Hamed
az-AZ Banu | Babek
bg-BG Kalina | Borislav
bn-BD Nabanita | Pradeep
bn-IN Tanishaa | Bashkar
bs-BA Vesna | Goran
ca-ES Joana | Enric
cs-CZ Vlasta | Antonin
cy-GB Nia | Aled
da-DK Christel | Jeppe
de-AT Ingrid | Jonas
de-CH Leni | Jan
de-DE Katja Amala SeraphinaMultilingual | Conrad Killian FlorianMultilingual
el-GR Athina | Nestoras
en-AU Natasha | WilliamMultilingual
en-CA Clara | Liam
en-GB Sonia Libby Maisie | Ryan Thomas
en-IE Emily | Connor
en-IN Neerja | Prabhat
en-NZ Molly | Mitchell
en-US Emma Aria Ava Jenny Michelle Ana | Guy Andrew Brian Christopher Eric Roger Steffan
en-ZA Leah | Luke
es-AR Elena | Tomas
es-CO Salome | Gonzalo
es-ES Elvira Ximena | Alvaro
es-MX Dalia | Jorge
es-US Paloma | Alonso
et-EE Anu | Kert
fa-IR Dilara | Farid
fi-FI Noora | Harri
fil-PH Blessica | Angelo
fr-BE Charline | Gerard
fr-CA Sylvie | Jean Antoine Thierry
fr-CH Ariane | Fabrice
fr-FR Denise Eloise VivienneMultilingual | Henri RemyMultilingual
ga-IE Orla | Colm
gl-ES Sabela | Roi
gu-IN Dhwani | Niranjan
he-IL Hila | Avri
hi-IN Swara | Madhur
hr-HR Gabrijela | Srecko
hu-HU Noemi | Tamas
id-ID Gadis | Ardi
is-IS Gudrun | Gunnar
it-IT Elsa Isabella | Diego GiuseppeMultilingual
ja-JP Nanami | Keita
jv-ID Siti | Dimas
ka-GE Eka | Giorgi
kk-KZ Aigul | Daulet
km-KH Sreymom | Piseth
kn-IN Sapna | Gagan
ko-KR SunHi | InJoon HyunsuMultilingual
lo-LA Keomany | Chanthavong
lt-LT Ona | Leonas
lv-LV Everita | Nils
mk-MK Marija | Aleksandar
ml-IN Sobhana | Midhun
mn-MN Yesui | Bataa
mr-IN Aarohi | Manohar
ms-MY Yasmin | Osman
mt-MT Grace | Joseph
my-MM Nilar | Thiha
nb-NO Pernille | Finn
ne-NP Hemkala | Sagar
nl-BE Dena | Arnaud
nl-NL Colette Fenna | Maarten
pl-PL Zofia | Marek
ps-AF Latifa | GulNawaz
pt-BR Francisca ThalitaMultilingual | Antonio
pt-PT Raquel | Duarte
ro-RO Alina | Emil
ru-RU Svetlana | Dmitry
si-LK Thilini | Sameera
sk-SK Viktoria | Lukas
sl-SI Petra | Rok
so-SO Ubax | Muuse
sq-AL Anila | Ilir
sr-RS Sophie | Nicholas
su-ID Tuti | Jajang
sv-SE Sofie | Mattias
sw-KE Zuri | Rafiki
ta-IN Pallavi | Valluvar
te-IN Shruti | Mohan
th-TH Premwadee | Niwat
tr-TR Emel | Ahmet
uk-UA Polina | Ostap
ur-PK Uzma | Asad
uz-UZ Madina | Sardor
vi-VN HoaiMy | NamMinh
zh-CN Xiaoxiao Xiaoyi | Yunxi Yunjian Yunyang
zh-HK HiuMaan HiuGaai | WanLung
zh-TW HsiaoChen HsiaoYu | YunJhe
zu-ZA Thando | Themba
"""
# Where the first locale of the alphabet is not the one most people mean by the language.
MEANT = {
    "ar": "ar-EG", "bn": "bn-IN", "cmn": "zh-CN", "de": "de-DE", "en": "en-US", "es": "es-ES", "fr": "fr-FR",
    "in": "id-ID", "iw": "he-IL", "nl": "nl-NL", "nn": "nb-NO", "no": "nb-NO", "pt": "pt-BR", "tl": "fil-PH",
    "yue": "zh-HK", "zh": "zh-CN", "zh-hant": "zh-TW",
}  # fmt: skip


class Speaker(NamedTuple):
    """`own` is the service's name for it, such as de-DE-KatjaNeural."""

    own: str
    name: str
    locale: str
    gender: Literal["female", "male"]


def speakers() -> tuple[Speaker, ...]:
    """Every speaker, by locale, female first."""
    found = []
    for line in SPEAKERS.strip().split("\n"):
        locale, _, names = line.partition(" ")
        female, _, male = names.partition("|")
        found += [_speaker(name, locale, "female") for name in female.split()]
        found += [_speaker(name, locale, "male") for name in male.split()]
    return tuple(found)


def _speaker(name: str, locale: str, gender: Literal["female", "male"]) -> Speaker:
    return Speaker(f"{locale}-{name}Neural", name.removesuffix("Multilingual"), locale, gender)
