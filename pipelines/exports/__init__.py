"""One file a document: each has a `suffix` and a `write` that turns captions into text. Knows no film."""
