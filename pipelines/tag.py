"""What a film is, as an XMP packet in a box of its own MP4 (ISO/IEC 14496-12, uuid): where it comes from by IPTC's
word list, and what was made. Any program can read it, and any program can take it out. Knows no signature."""

from __future__ import annotations

import re
import struct
from html import escape
from pathlib import Path

from .marks import TERMS, Account
from .mp4 import boxes

XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP specification, part 3
LARGEST = 1 << 20  # bytes that are read
PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<xmp:CreatorTool>Reelwright</xmp:CreatorTool>
<Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{said}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def packet(account: Account) -> str:
    """The XMP packet for a film."""
    return PACKET.format(source=TERMS + account.source, said=escape(account.said, quote=False))


def add(film: Path, xmp: str) -> None:
    """Put the packet at the end of the MP4."""
    body = XMP + xmp.encode()
    with film.open("ab") as file:
        file.write(struct.pack(">I4s", 8 + len(body), b"uuid") + body)


def read(path: Path) -> tuple[str, str] | None:
    """(the term, who made it) that an MP4's XMP box tells; None without one."""
    with path.open("rb") as file:
        for start, end in boxes(file, b"uuid", 0, path.stat().st_size):
            file.seek(start)
            if file.read(16) == XMP:
                text = file.read(min(end - start - 16, LARGEST)).decode("utf-8", "replace")
                term = re.search(r"DigitalSourceType(?:>|=\")\s*" + re.escape(TERMS) + r"(\w{1,60})", text)
                tool = re.search(r"CreatorTool(?:>|=\")([^<\"]{1,80})", text)
                return (term[1] if term else ""), (tool[1].strip() if tool else "")
    return None
