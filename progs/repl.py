"""Talk Python with the session: names, history and completion persist, `?` tells about things."""

import sys

if "crash" not in sys.modules:
    import outside  # noqa: F401

if __name__ == "__main__":
    # No names of its own: those of this place are the person's.
    sys.exit(__import__("pykdump.repl.program").repl.program.main())
