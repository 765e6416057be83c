"""The Python side of mpykdump: programs' life, caches, options and the API they import.

Nothing happens here: the C side calls `pykdump.session`, programs import `pykdump.API`.
"""
