"""Tests of the whole plug-in: a real crash on a real dump, driven as a person drives it."""
