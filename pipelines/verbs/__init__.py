"""Verbs over given videos, one file each. Every one is a function (videos, how, studio, out, tick) -> Cut."""
