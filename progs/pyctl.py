"""Show and change the switches that modules have registered, and what is cached."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

if "crash" not in sys.modules:
    import outside  # noqa: F401

from pykdump import memocaches, pagecache, registry, settings, typeinfo


def main() -> int:
    args = _parser().parse_args()
    try:
        return _obey(args)
    except registry.RegistryError as err:
        print(f"pyctl: {err}")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pyctl.py", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Without arguments, options are listed.  Cleared ones are what they were in\n"
                    "the beginning.  Names of options may be patterns: debug*",
        epilog=_keys())
    parser.add_argument("--set", nargs="+", help="Set options")
    parser.add_argument("--ls", nargs="*", help="List currently set options")
    parser.add_argument("--clear", nargs="*", help="Clear currently set options")
    parser.add_argument("-a", "--all", action="store_true", help="Describe all options")
    parser.add_argument("--save", action="store_true",
                        help="Let what is set now hold in all sessions to come "
                             "(with --clear: nothing any more)")
    parser.add_argument("--stats", action="store_true", help="Show what is cached")
    parser.add_argument("--drop-caches", nargs="*", choices=_CACHES, metavar="CACHE",
                        help=f"Forget what is cached: {', '.join(_CACHES)} (all)")
    parser.add_argument("--json", action="store_true",
                        help="Options, or with --stats what is cached, as JSON")
    parser.add_argument("-v", "--verbose", action="store_true",
                        help="Tell where an option lives, too")
    parser.add_argument("options", nargs="*", metavar="key[=value]",
                        help="Show or set an option; on and off are values, too, and 0x10")
    return parser


_CACHES: dict[str, Callable[[], None]] = {
    "pages": pagecache.forget, "types": memocaches.purge_typeinfo,
    "results": memocaches.forget_results}


def _keys() -> str:
    lines = [f"  {switch.name:<16} {switch.help} ({switch.value})"
             for switch in _sorted(registry.switches())]
    return "\n".join(["keys:", *lines])


def _obey(args: argparse.Namespace) -> int:
    assignments = (args.set or []) + [word for word in args.options if "=" in word]
    # A mistake anywhere must be known before anything is changed.
    values = _parsed(assignments)
    asked = [word for word in args.options if "=" not in word]
    described = _chosen(asked) if asked else []
    cleared = [switch.name for switch in _chosen(args.clear)] if args.clear else []
    listed = _chosen(args.ls) if args.ls else _usual()

    told = []
    if cleared:
        registry.reset(cleared)
    elif args.clear is not None:
        told.append(" -- Clearing all options set --")
        registry.reset()
    if assignments:
        registry.set_values(values)
        told.append(f"Set: {assignments}")
    if args.save:
        told.append(f"Saved: {_saved()} in {settings.file()}")
    for name in _CACHES if args.drop_caches == [] else args.drop_caches or ():
        _CACHES[name]()
        told.append(f"Forgotten: {name}")
    for line in told if not args.json else ():
        print(line)
    _show(args, _sorted(registry.switches()) if args.all else described, listed)
    return 0


def _show(args: argparse.Namespace, described: list[registry.Switch],
          listed: list[registry.Switch]) -> None:
    done = args.set or args.options or args.save or args.drop_caches is not None \
        or args.clear is not None
    if args.json:
        _print_json(args.stats, described or listed)
        return
    for switch in described:
        _describe(switch, args.verbose)
    if args.stats:
        _statistics()
    elif args.ls is not None or not (described or done):
        _list(listed)


def _saved() -> list[str]:
    try:
        return settings.save()
    except OSError as err:
        raise registry.RegistryError(
            f"{settings.file()} cannot be written: {err.strerror}") from err


def _print_json(stats: bool, switches: list[registry.Switch]) -> None:
    import json

    content = _counted() if stats else [
        {"name": switch.name, "value": switch.value, "default": switch.default,
         "set": switch.typed is not None, "module": switch.owner, "help": switch.help}
        for switch in switches]
    print(json.dumps(content, indent=2, default=str))


def _counted() -> dict[str, int | str]:
    return {**pagecache.statistics(), "structs looked into": typeinfo.known(),
            **memocaches.statistics()}


def _statistics() -> None:
    for name, value in _counted().items():
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
    found: dict[str, registry.Switch] = {}
    for pattern in patterns:
        fitting = [switch for switch in registry.switches() if fnmatchcase(switch.name, pattern)]
        found.update((switch.name, switch) for switch in fitting or [registry.find(pattern)])
    return [found.pop(switch.name) for switch in registry.switches() if switch.name in found] \
        + list(found.values())


def _usual() -> list[registry.Switch]:
    return [switch for switch in registry.switches()
            if switch.listed or switch.typed is not None]


def _sorted(switches: Iterable[registry.Switch]) -> list[registry.Switch]:
    return sorted(switches, key=lambda switch: switch.name)


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
