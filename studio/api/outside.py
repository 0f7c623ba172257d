"""Fetching from and sending to addresses that somebody gave: never to this machine or its network, unless allowed.

The name is resolved once, every address it has must be public, and the connection goes to that very address; each
redirect is looked at in the same way. Knows no door.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import tempfile
import time
from collections.abc import Mapping
from typing import IO
from urllib.parse import SplitResult, urljoin, urlsplit

from .refusals import Refusal

PATIENCE = 15.0
WHOLE = 60.0  # seconds for all of it
REDIRECTS = 3
PORTS = {"http": 80, "https": 443}
MAPPED = ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")  # IPv6 that leads to an IPv4 address


def fetch(url: str, most: int, private: bool) -> IO[bytes]:
    """What is at that address, in a temporary file. Refusal if it cannot be had or has more than `most` bytes."""
    end = time.monotonic() + WHOLE
    for _ in range(REDIRECTS + 1):
        asked, connection = _connection(url, private)
        try:
            connection.request("GET", _target(asked), headers={"Accept": "image/*", "User-Agent": "reelwright"})
            answer = connection.getresponse()
            if answer.status in (301, 302, 303, 307, 308) and (place := answer.getheader("Location")):
                url = urljoin(url, place)
                continue
            if answer.status != 200:
                raise _refused(f"That address answered {answer.status}.")
            out = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked closes it
            while block := answer.read(1 << 16):
                if out.tell() + len(block) > most or time.monotonic() > end:
                    out.close()
                    raise _refused(f"There is more than {most // 2**20} MB at that address, or it takes too long.")
                out.write(block)
            return out
        except (OSError, http.client.HTTPException) as error:
            raise _refused("That address cannot be reached.") from error
        finally:
            connection.close()
    raise _refused("That address leads from one to another without end.")


def post(url: str, body: bytes, headers: Mapping[str, str], private: bool) -> int:
    """Send that there. -> the status of the answer; redirects are not followed. Refusal if it cannot be reached."""
    asked, connection = _connection(url, private)
    try:
        connection.request("POST", _target(asked), body, dict(headers))
        answer = connection.getresponse()
        answer.read(1 << 16)
        return answer.status
    except (OSError, http.client.HTTPException) as error:
        raise _refused("That address cannot be reached.") from error
    finally:
        connection.close()


def public(address: str) -> bool:
    """Whether an address is one of the open internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return public(str(found.ipv4_mapped))
        if any(found in ipaddress.ip_network(net) for net in MAPPED):
            return False
    return found.is_global and not found.is_multicast


def _connection(url: str, private: bool) -> tuple[SplitResult, http.client.HTTPConnection]:
    try:
        asked = urlsplit(url)
        port = asked.port
    except ValueError as error:
        raise _refused("That is no address.") from error
    name = asked.hostname or ""
    if asked.scheme not in PORTS or not name or asked.username is not None or asked.password is not None or any(c <= " " or c == "\x7f" for c in url):
        raise _refused("Only http and https addresses are followed.")
    port = PORTS[asked.scheme] if port is None else port
    if not private and port not in PORTS.values():
        raise _refused("Only the ports 80 and 443 are followed.")
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _refused("That address cannot be found.") from error
    if not private and not all(public(str(one[4][0])) for one in found):
        raise _refused("That address is not on the open internet.")
    return asked, _Pinned(name, port, str(found[0][4][0]), asked.scheme == "https")


class _Pinned(http.client.HTTPConnection):
    """Connects to the address that was looked at, whatever the name leads to by then."""

    def __init__(self, name: str, port: int, address: str, secure: bool) -> None:
        super().__init__(name, port, timeout=PATIENCE)
        self._address, self._secure = address, secure
        self.default_port = 443 if secure else 80

    def connect(self) -> None:
        line = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(line, server_hostname=self.host) if self._secure else line


def _target(asked: SplitResult) -> str:
    return (asked.path or "/") + (f"?{asked.query}" if asked.query else "")


def _refused(message: str) -> Refusal:
    return Refusal(400, "invalid_url", message, "Send the file itself, or an address that anybody can open.")
