"""One file per painter; the file's name is the painter's name."""
