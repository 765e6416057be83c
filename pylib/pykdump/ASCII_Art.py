"""Owns drawings in text: trees, and frames within frames.

Must not know what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_MIN_WIDTH = 20


class AA_Node:
    """A node of a tree, whose children are below and to the right of it.

        root
         +-- one
         |    +-- more
         +-- two
    """

    def __init__(self, text: object, children: Iterable[AA_Node] = ()) -> None:
        self.text = str(text)
        self.children: list[AA_Node] = list(children)

    def add(self, child: AA_Node | object) -> AA_Node:
        """Add a child, made of its text if it is none yet; the child."""
        node = child if isinstance(child, AA_Node) else AA_Node(child)
        self.children.append(node)
        return node

    addChild = append = add

    def lines(self) -> Iterator[str]:
        """The lines of the drawing."""
        first, *rest = self.text.splitlines() or [""]
        yield first
        yield from (f" {'|' if self.children else ' '} {line}".rstrip() for line in rest)
        for child in self.children:
            lead = " |   " if child is not self.children[-1] else "     "
            for number, line in enumerate(child.lines()):
                yield (f" +-- {line}" if number == 0 else lead + line).rstrip()

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def printTree(self) -> None:
        """Print the drawing."""
        print(self)


class EmbeddedFrames:
    """A frame with a title around lines of text and other frames.

        +--------- outer ---------+
        | text                    |
        | +------- inner -------+ |
        | | more                | |
        | +---------------------+ |
        +-------------------------+
    """

    def __init__(self, title: object = "", width: int = _MIN_WIDTH) -> None:
        self.title = str(title)
        self.width = width
        self.content: list[str | EmbeddedFrames] = []

    def add(self, content: EmbeddedFrames | object) -> None:
        """Add a frame, or text of one or more lines."""
        if isinstance(content, EmbeddedFrames):
            self.content.append(content)
        else:
            self.content += str(content).splitlines()

    addFrame = addText = append = add

    def needed(self) -> int:
        """How wide it must be."""
        inner = [each.needed() if isinstance(each, EmbeddedFrames) else len(each)
                 for each in self.content]
        return max([self.width, len(self.title) + 6, *(width + 4 for width in inner)])

    def lines(self, width: int | None = None) -> Iterator[str]:
        """The lines of the drawing, at least as wide as it must be."""
        wide = max(width or 0, self.needed())
        title = f" {self.title} " if self.title else ""
        yield f"+{title.center(wide - 2, '-')}+"
        for each in self.content:
            inner = each.lines(wide - 4) if isinstance(each, EmbeddedFrames) else [each]
            yield from (f"| {line:<{wide - 4}} |" for line in inner)
        yield f"+{'-' * (wide - 2)}+"

    def __str__(self) -> str:
        return "\n".join(self.lines())
