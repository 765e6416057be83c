"""Runs snippets and tells how long they took: inside crash by epython, and as drgn's process.

    worker.py REQUESTS REPLIES

Both are FIFOs; a request is a line with the literal of a dict, and so is its reply. It imports
next to nothing, so that the first import of anything else can be measured, and loops the same way
on both sides.
"""

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOOP = """
def loop(count, clock):
    started = clock()
    for _ in range(count):
        result = {expression}
    return clock() - started, result
"""


def serve(requests: str, replies: str) -> None:
    """Answer until the request that is empty."""
    namespace: "dict[str, Any]" = {}
    with open(requests) as source, open(replies, "w") as sink:
        for line in source:
            request = eval(line)
            if not request:
                return
            try:
                reply = _ANSWERS[request["do"]](namespace, request)
            except (ImportError, AttributeError) as err:
                reply = {"absent": f"{type(err).__name__}: {err}"}
            except Exception as err:    # it is the driver who tells people
                reply = {"error": f"{type(err).__name__}: {err}"}
            sink.write(f"{reply!r}\n")
            sink.flush()


def _open(namespace: "dict[str, Any]", request: "dict[str, Any]") -> "dict[str, Any]":
    """Run statements whose names all rows have."""
    exec(request["statements"], _common)
    return {}


def _set_up(namespace: "dict[str, Any]", request: "dict[str, Any]") -> "dict[str, Any]":
    """Begin a row: run its setup in a new namespace, and compile the loop over its expression."""
    namespace.clear()
    namespace.update(_common)
    exec(request["setup"], namespace)
    exec(LOOP.format(expression=request["expression"]), namespace)
    return {}


def _run(namespace: "dict[str, Any]", request: "dict[str, Any]") -> "dict[str, Any]":
    """The seconds that the expression takes `count` times; its last value becomes `result`."""
    seconds, namespace["result"] = namespace["loop"](request["count"], time.perf_counter)
    return {"seconds": seconds}


def _ask(namespace: "dict[str, Any]", request: "dict[str, Any]") -> "dict[str, Any]":
    """The value of an expression in the row's namespace."""
    return {"value": eval(request["expression"], namespace)}


_common: "dict[str, Any]" = {}
_ANSWERS = {"open": _open, "set up": _set_up, "run": _run, "ask": _ask}

if __name__ == "__main__":
    serve(*sys.argv[1:3])
