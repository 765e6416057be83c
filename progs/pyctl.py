"""Show and change the switches that modules have registered."""

from __future__ import annotations

import argparse
import sys
from fnmatch import fnmatchcase

if "crash" not in sys.modules:
    import outside  # noqa: F401

from pykdump import registry


def main() -> int:
    parser = _parser()
    args = parser.parse_args()
    try:
        return _obey(args)
    except registry.RegistryError as err:
        print(f"pyctl: {err}")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pyctl.py")
    parser.add_argument("--set", nargs="+", help="Set options")
    parser.add_argument("--ls", nargs="*", help="List currently set options")
    parser.add_argument("--clear", nargs="*", help="Clear currently set options")
    parser.add_argument("-a", "--all", action="store_true", help="Describe all options")
    parser.add_argument("--stats", action="store_true", help="Show what is cached")
    parser.add_argument("-v", "--verbose", action="store_true",
                        help="Tell where an option lives, too")
    parser.add_argument("options", nargs="*", metavar="key[=value]",
                        help="Show or set an option")
    return parser


def _obey(args: argparse.Namespace) -> int:
    assignments = (args.set or []) + [word for word in args.options if "=" in word]
    # A mistake anywhere must be known before anything is changed.
    values = _parsed(assignments)
    described = [registry.find(word) for word in args.options if "=" not in word]
    cleared = [registry.find(name).name for name in args.clear or ()]
    listed = _chosen(args.ls or [])

    if cleared:
        registry.reset(cleared)
    elif args.clear is not None:
        print(" -- Clearing all options set --")
        registry.reset()
    if assignments:
        registry.set_values(values)
        print(f"Set: {assignments}")
    if args.all:
        described = sorted(registry.switches(), key=lambda switch: switch.name)
    for switch in described:
        _describe(switch, args.verbose)
    if args.stats:
        _statistics()
    elif args.ls is not None or not (assignments or described or args.clear is not None):
        _list(listed)
    return 0


def _statistics() -> None:
    from pykdump import pagecache
    for name, value in pagecache.statistics().items():
        print(f"  {name:<22} {value:>12,}" if isinstance(value, int) else f"  {name:<22} {value}")


def _parsed(assignments: list[str]) -> dict[str, str]:
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise registry.RegistryError(f"{assignment!r} is not of the form name=value")
        registry.find(name).convert(text)
        values[name] = text
    return values


def _chosen(patterns: list[str]) -> list[registry.Switch]:
    """The switches whose names fit one of the patterns; each pattern must fit some."""
    known = list(registry.switches())
    for pattern in patterns:
        if not any(fnmatchcase(switch.name, pattern) for switch in known):
            registry.find(pattern)
    if not patterns:
        return [switch for switch in known if switch.listed or switch.typed is not None]
    return [switch for switch in known
            if any(fnmatchcase(switch.name, pattern) for pattern in patterns)]


def _list(switches: list[registry.Switch]) -> None:
    print(" -- Listing registered options --")
    for switch in switches:
        print(f"     <{switch.name}={switch.value}>   in {switch.owner}")


def _describe(switch: registry.Switch, verbose: bool) -> None:
    print(f"  {switch.name:<15} - {switch.help}")
    print(f"           currentvalue={switch.value!r} default={switch.default!r}")
    if verbose:
        kind = getattr(switch.type, "__name__", switch.type)
        print(f"           {switch.owner}.{switch.attr} type={kind}")


if __name__ == "__main__":
    sys.exit(main())
