"""What `verify` does: reads any file's marks back and tells them. Marks nothing."""

from __future__ import annotations

import argparse
import json

from pipelines.verify import verified
from pipelines.work import FilmError

from . import settings


def verify(args: argparse.Namespace) -> int:
    """Every file's verdict. -> 0, or 1 where a file was changed after it was signed, or is not there."""
    identity = settings.identity(settings.read())
    failed = 0
    for path in args.files:
        try:
            found = verified(path, identity)
        except FilmError as error:
            if len(args.files) == 1:
                raise
            print(json.dumps({"file": str(path), "error": error.message}) if args.json else f"{path}: {error.message}")
            failed = 1
            continue
        failed |= found.tampered
        if args.json:
            print(json.dumps({"file": str(path)} | found.plain, ensure_ascii=False))
        else:
            print(f"{path}: {found.said[0]}")
            for line in found.said[1:]:
                print(f"  {line}")
    return failed
