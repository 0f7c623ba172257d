"""`python -m studio` is the command line."""

from .cli import run

run()
