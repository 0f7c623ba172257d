"""A prompt drawn by rule and seed, in sheets one behind the other; no model. The sketch engines share it."""
