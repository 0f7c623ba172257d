"""Composers, one a file: a cue in, a WAV out. Modules that begin with `_` belong to one of them."""
