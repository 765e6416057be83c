"""Owns the choice of the REPL's face: the one that is here, or IPython's.

Must not know what either does.
"""

from __future__ import annotations

from .. import registry

_FACES = ("python", "ipython")

replShell: str


def _face(text: object) -> str:
    if text not in _FACES:
        raise registry.RegistryError(f"{text!r} is none of {', '.join(_FACES)}")
    return str(text)


registry.registerModuleAttr("replShell", default=_FACES[0], type=_face, listed=False,
                            help="what `epython repl` starts: python or ipython")


def main(ipython: bool, keep_history: bool) -> object:
    """Talk to a person until that is enough; what the session is left with, as sys.exit takes it.

    `ipython`: with IPython's face, as when the switch replShell says so.  `keep_history`: with the
    lines of earlier sessions, and keeping those of this one.
    """
    if ipython or replShell == "ipython":
        from . import ipython as other
        if other.usable():
            return other.interact()
    from . import console
    return console.interact(keep_history)
