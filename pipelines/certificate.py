"""Whose signature stands under films: a certificate of the user's, or a pair made here and kept. Signs nothing.

A self-made certificate proves that a film was not changed since, and that the same studio signed two films. It proves
no name: anybody can make one. It is an authority and, under it, a signer, as C2PA wants it; both are of no country and
no person.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .marks import Identity
from .vault import disk
from .work import FilmError

CHAIN, KEY = "chain.pem", "key.pem"
YEARS = timedelta(days=3650)  # without a time-stamp, a signature counts as long as its certificate does
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True, slots=True)
class Pair:
    """PEM: the chain, the signer's own first; its key; and which kind of signature that key makes."""

    chain: bytes
    key: bytes
    kind: str

    def __repr__(self) -> str:
        return "Pair(...)"


def kept(folder: Path) -> Identity:
    """A self-made one, in that folder."""
    return Identity(folder / CHAIN, folder / KEY, folder)


def pair(identity: Identity) -> Pair:
    """The files' content; a self-made pair is made if it is not there. FilmError if it cannot be read."""
    if identity.folder and not identity.key.is_file():
        _make(identity.folder)
    try:
        chain, key = identity.chain.read_bytes(), identity.key.read_bytes()
    except OSError as error:
        name = Path(error.filename or "").name
        raise FilmError(f"The certificate's file {name} cannot be read: {error.strerror}.", "Check REELWRIGHT_CERTIFICATE and REELWRIGHT_CERTIFICATE_KEY.") from error
    return Pair(chain, key, "ES256" if identity.folder else _kind(key))


def authority(identity: Identity) -> str:
    """PEM of the certificates above the signer's own; empty if there is none yet."""
    try:
        text = identity.chain.read_text("ascii", "replace")
    except OSError:
        return ""
    end = "-----END CERTIFICATE-----\n"
    return "".join(one + end for one in text.replace("\r\n", "\n").split(end)[1:] if "BEGIN" in one) or text


def _kind(key: bytes) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    hint = "Give a PEM file without a password: EC (P-256, P-384, P-521), Ed25519 or RSA."
    try:
        loaded = load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise FilmError("The certificate's key cannot be used.", hint) from error
    if isinstance(loaded, ec.EllipticCurvePrivateKey) and loaded.curve.name in CURVES:
        return CURVES[loaded.curve.name]
    if isinstance(loaded, ed25519.Ed25519PrivateKey):
        return "ED25519"
    if isinstance(loaded, rsa.RSAPrivateKey):
        return "PS256"
    raise FilmError("The certificate's key is of a kind that C2PA does not know.", hint)


def _make(folder: Path) -> None:
    """Whole or not at all, for our user alone; whoever was faster wins."""
    with disk():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".credentials-", dir=folder.parent))  # 0700
        try:
            chain, key = _made()
            for name, content in ((CHAIN, chain), (KEY, key)):
                with os.fdopen(os.open(made / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(content)
            os.rename(made, folder)
        except OSError:
            if not (folder / KEY).is_file():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _made() -> tuple[bytes, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    begins, sign = datetime.now(UTC) - timedelta(days=1), secrets.token_hex(4)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]

    def named(what: str) -> x509.Name:
        pairs = ((NameOID.ORGANIZATION_NAME, "Reelwright, self-made"), (NameOID.COMMON_NAME, f"{what} {sign}"))
        return x509.Name([x509.NameAttribute(kind, text) for kind, text in pairs])

    names = [named("A studio's authority"), named("A studio")]

    def certificate(i: int) -> x509.Certificate:
        own, top = keys[i].public_key(), i == 0
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=top, crl_sign=top, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[i])
            .issuer_name(names[0])
            .public_key(own)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + YEARS)
            .add_extension(x509.BasicConstraints(ca=top, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        )
        if not top:
            above = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key())
            builder = builder.add_extension(above, critical=False)
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        return builder.sign(keys[0], hashes.SHA256())

    chain = b"".join(certificate(i).public_bytes(Encoding.PEM) for i in (1, 0))
    return chain, keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
