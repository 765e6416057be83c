"""Show the Python objects of this session: by type, what has grown, what holds an object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Any

if "crash" not in sys.modules:
    import outside  # noqa: F401

from pykdump import heap
from pykdump.heaptable import Growth, Table

_LAST, _MARK = "last", "mark"


def main() -> int:
    args = _parser().parse_args()
    try:
        _obey(args)
    except heap.HeapError as err:
        print(f"heap: {err}")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="heap", description=__doc__)
    parser.add_argument("-n", "--number", type=_positive, default=20, metavar="N",
                        help="lines to show (default 20)")
    parser.add_argument("--by-count", action="store_true",
                        help="the most numerous types first, not the largest")
    parser.add_argument("--json", action="store_true", help="all types, as JSON")
    parser.add_argument("--mark", action="store_true", help="keep this count for --since=mark")
    parser.add_argument("--force", action="store_true", help="let --dump replace a file")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--since", nargs="?", const=_LAST, choices=(_LAST, _MARK),
                      help="only what has changed since the last heap, or since --mark")
    what.add_argument("--type", metavar="NAME", help="list the objects of a type")
    what.add_argument("--referrers", metavar="WHAT",
                      help="what holds the object at an address, or those of a type")
    what.add_argument("--referents", metavar="WHAT",
                      help="what the object at an address holds, or those of a type")
    what.add_argument("--dump", metavar="FILE", help="write all objects to a file, as JSON lines")
    what.add_argument("--load", metavar="FILE", help="sum up such a file")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text[:9]) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number greater than 0")
    return int(text[:9])


def _obey(args: argparse.Namespace) -> None:
    if args.type is not None:
        _list(heap.find(args.type), args.number)
    elif args.referrers is not None:
        total, found = heap.referrers_of(args.referrers, args.number)
        _relatives(total, found, args.number, "held by")
    elif args.referents is not None:
        values = heap.find(args.referents)
        _relatives(len(values), [(value, [(held, "") for held in heap.referents(value)])
                                 for value in values[:args.number]], args.number, "holds")
    elif args.dump is not None:
        print(f"{heap.dump(args.dump, args.force)} objects are in {args.dump}")
    elif args.load is not None:
        _print_table(heap.load(args.load).summarize(args.number), args.json)
    else:
        _count(args)


def _print_table(table: Table, as_json: bool) -> None:
    print(json.dumps(table.as_json()) if as_json else table)


def _count(args: argparse.Namespace) -> None:
    table = heap.count(args.number, args.by_count)
    since = heap.growth(args.since or _LAST, table, args.number)
    if args.since == _MARK and since is None:
        raise heap.HeapError("there is no mark to compare with, --mark makes one")
    if args.since and since is None:
        raise heap.HeapError("nothing was counted before")
    heap.keep(_LAST, table)
    if args.mark:
        heap.keep(_MARK, table)
    if args.json:
        _print_json(args, table, since)
    elif args.since:
        print(since)
    else:
        print(table)
        heap.print_caches()
        if since is not None:
            print(f"Since the last heap: {since}")


def _print_json(args: argparse.Namespace, table: Table, since: Growth | None) -> None:
    if args.since:
        assert since is not None
        print(json.dumps(since.as_json()))
        return
    report = table.as_json()
    report["caches"] = {name: {"count": number, "bytes": held}
                        for name, number, held in heap.caches()}
    report["since_last"] = None if since is None else since.as_json()
    print(json.dumps(report))


def _list(values: list[Any], limit: int) -> None:
    largest = sorted(values, key=heap.size, reverse=True)
    total = sum(map(heap.size, values))
    print(f"{len(values)} objects, {total} bytes")
    _lines((heap.described(value) for value in largest[:limit]), len(values) - limit)


def _relatives(total: int, found: list[tuple[Any, list[tuple[Any, str]]]], limit: int,
               verb: str) -> None:
    for value, relatives in found:
        print(f"{heap.described(value)}\n  {verb} {len(relatives)} objects")
        _lines((f"    {heap.described(relative)}{where and '  at ' + where}"
                for relative, where in relatives[:limit]), len(relatives) - limit)
    if total > len(found):
        print(f"{total - len(found)} more objects")


def _lines(lines: Iterable[str], left: int) -> None:
    for line in lines:
        print(line)
    if left > 0:
        print(f"    {left} more")


if __name__ == "__main__":
    sys.exit(main())
