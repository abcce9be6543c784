"""What the declarations of SMS carriers share, whichever way they speak: how their YAML is read, the field `kind`."""

from pathlib import Path
from typing import Any, Literal

import yaml

_MAX_BYTES = 64 * 1024


class _PlainLoader(yaml.SafeLoader):
    """Without aliases, of which a few lines make a tree without end, and without halves of characters."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            at = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="an alias (*name): write it out", problem_mark=at)
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and not node.value.isprintable():
            try:
                node.value.encode()
            except UnicodeEncodeError:
                raise yaml.MarkedYAMLError(
                    problem="half a character, \\ud800 to \\udfff", problem_mark=node.start_mark
                ) from None
        return node


def read_yaml(text: str) -> Any:
    """What a declaration holds: plain values only. Raises yaml.YAMLError, with line and problem where it knows them."""
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506 — a SafeLoader
    except (ValueError, RecursionError, AttributeError, LookupError, TypeError) as exc:
        # PyYAML lets these through for values that do not fit their tag.
        raise yaml.YAMLError("unreadable") from exc


def declared_kind(path: Path | str) -> Literal["http", "smpp"]:
    """How the carrier in this file is spoken to: `kind: smpp`, else HTTP.

    A file that can't be read, is no YAML or names an unknown kind counts as HTTP: that loader says what is
    wrong with it.
    """
    try:
        with Path(path).open("rb") as file:
            tree = read_yaml(file.read(_MAX_BYTES + 1).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return "http"
    return "smpp" if isinstance(tree, dict) and tree.get("kind") == "smpp" else "http"
