"""Fuzzing of the readers of types; see tests/fuzz.mk."""
