"""Which language a narration is in, guessed from its letters, and how its words are joined. Knows no voice."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

# The first word of a letter's Unicode name tells its script; most scripts belong to one language.
SCRIPTS = {
    "LATIN": "", "CYRILLIC": "ru", "GREEK": "el", "HEBREW": "he", "ARABIC": "ar", "DEVANAGARI": "hi", "BENGALI": "bn",
    "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml", "GUJARATI": "gu", "GURMUKHI": "pa",
    "ORIYA": "or", "SINHALA": "si", "THAI": "th", "LAO": "lo", "KHMER": "km", "MYANMAR": "my", "HANGUL": "ko",
    "HIRAGANA": "ja", "KATAKANA": "ja", "KATAKANA-HIRAGANA": "ja", "CJK": "zh", "BOPOMOFO": "zh",
    "GEORGIAN": "ka", "ARMENIAN": "hy", "ETHIOPIC": "am", "CHEROKEE": "chr",
}  # fmt: skip
# Letters that only one of the languages sharing a script has.
OWN_LETTERS = {
    "ru": (("uk", "іїєґ"), ("be", "ў"), ("sr", "ђћџљњј"), ("kk", "қңғұәө")),
    "ar": (("ur", "ٹڈڑےں"), ("fa", "پچژگ")),
}
LATIN_LETTERS = {
    "de": "äöüß", "fr": "àâçèêëîïôœùû", "es": "ñ¿¡áíóú", "it": "àèìòù", "pt": "ãõçâêáó", "nl": "ĳ", "pl": "ąćęłńśźż",
    "tr": "ğışİç", "sv": "åäö", "da": "æøå", "nb": "æøå", "fi": "äö", "cs": "čěřšůž", "hu": "őűáé", "ro": "ăâîșț",
    "vi": "ăđơưạảấầẩẫậắằặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ", "hr": "čćđšž", "ca": "çàèòï·",
}  # fmt: skip
# The commonest short words; one that two languages share counts for both.
LATIN_WORDS = {
    "en": "the and of to in is it that you was for on are with as this they be at have from we our an by not what she",
    "de": "der die das und ist nicht ein eine ich zu den von mit auf im es wir sie dem für auch sich wie aber er in",
    "fr": "le la les et est des un une dans pour que qui pas sur nous vous il elle avec ce du au en ne je sont mais",
    "es": "el la los las y es de que en un una por con no se para del al su lo como más pero está son muy",
    "it": "il lo la gli le e è di che al dal nel sul all dell in un una per con non si del sono ma anche come più alla",
    "pt": "o a os as e é de que em um uma por com não se para do da no na mais mas como são está ao isso",
    "nl": "de het een en van is dat niet in op te zijn voor met ik je wij aan er ook maar naar deze wordt",
    "pl": "i w na nie się jest to z do że jak za po co tak ale o jego był są przez tym od dla",
    "tr": "ve bir bu da de için ile çok ne var mi ama gibi daha olan o ben en kadar değil",
    "sv": "och att det som en på är av för med den inte till jag ett om har de vi var men från",
    "da": "og at det som en på er af for med den ikke til jeg et om har de vi var men fra",
    "nb": "og at det som en på er av for med den ikke til jeg et om har de vi var men fra",
    "fi": "ja on ei se että oli hän mutta kun niin myös ovat joka tämä mitä kuin",
    "cs": "a je se na že v to s z do jsem jak ale by tak co pro jako jsou po už",
    "hu": "a az és egy nem hogy is ez van volt meg de csak már mint ha",
    "ro": "și este în de la o un nu cu pe să care mai din pentru sunt dar ca",
    "id": "dan yang di ini itu dengan untuk dari tidak pada adalah ke akan kita saya",
    "vi": "và là của có không một những được cho trong với người này các",
}
UNSPACED = frozenset(
    ["CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR"]
)


def script(letter: str) -> str:
    """The script of a character as Unicode's names have it, such as LATIN or CJK; "" for none."""
    return unicodedata.name(letter, "").partition(" ")[0] if letter else ""


def unspaced(letter: str) -> bool:
    """Whether the character belongs to a script that writes no spaces between words, its punctuation included."""
    return script(letter) in UNSPACED or "\u3000" <= letter <= "\u303f" or "\uff01" <= letter <= "\uff0f"


def glue(before: str, after: str) -> str:
    """What stands between two words of a take: nothing next to an unspaced script (a space that the text has there is
    the first word's last character), else one space."""
    return "" if before[-1:] == " " or unspaced(before[-1:]) or unspaced(after[:1]) else " "


def tags(language: str) -> list[str]:
    """A BCP-47 tag and what it is a kind of, the nearest first: "de_AT" -> ["de-at", "de"]."""
    parts = language.lower().replace("_", "-").split("-")
    return ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]


def near(voices: Iterable[tuple[str, str]], language: str) -> list[str]:
    """The names of those (name, tag) that speak just that language; if there are none, those that speak a kind of it."""
    listed, wanted = [(name, tags(tag)) for name, tag in voices], tags(language)
    return [name for name, tag in listed if tag[0] == wanted[0]] or [name for name, tag in listed if tag[-1] == wanted[-1]]


def language_of(text: str, default: str = "en") -> str:
    """The likeliest language of `text` as a BCP-47 base such as "de"; `default` when nothing tells."""
    letters = [c for c in text.lower() if c.isalpha()]
    scripts = Counter(name for c in letters if (name := script(c)) in SCRIPTS)
    if not scripts:
        return default
    if (kana := scripts["HIRAGANA"] + scripts["KATAKANA"]) and kana * 10 > scripts["CJK"]:
        scripts["HIRAGANA"], scripts["CJK"] = kana + scripts["CJK"], 0
    for dense in ("CJK", "HIRAGANA"):
        scripts[dense] *= 2  # one sign says as much as several letters
    found = SCRIPTS[max(scripts, key=lambda name: scripts[name])]
    if not found:
        return _latin(text.lower(), default)
    for language, own in OWN_LETTERS.get(found, ()):
        if any(c in own for c in letters):
            return language
    return found


def _latin(text: str, default: str) -> str:
    said = re.findall(r"[^\W\d_]+", text)
    votes: Counter[str] = Counter()
    for language, words in LATIN_WORDS.items():
        known = set(words.split())
        votes[language] += 2 * sum(word in known for word in said)
    for language, own in LATIN_LETTERS.items():
        votes[language] += sum(c in own for c in text)
    best = max(votes.values())
    return default if not best or votes[default] == best else max(votes, key=lambda language: votes[language])
