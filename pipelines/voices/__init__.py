"""Narrators, one file each: a line of text becomes a take with word times. A file's name is the narrator's name."""
