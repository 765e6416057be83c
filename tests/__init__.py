"""Tests of mpykdump, and the lab which makes the dumps they run on."""
