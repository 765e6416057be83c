"""Tests of the C engine over a memory image, without crash."""
