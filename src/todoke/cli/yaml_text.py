"""YAML as people write templates in it: read by the plain rules of YAML 1.2, written so that git shows small changes.

PyYAML follows YAML 1.1, where `14:30` is the number 870, `no` is false and `2026-08-10` is no text. Here only what
JSON has is anything else than a text (YAML 1.2, core schema).
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from todoke.core.template_shape import escaped

MOST_NODES = 20_000
"""What a file may come to when its aliases are followed: a few lines of aliases can stand for billions of nodes."""
DEEPEST = 100
_DEEPEST_TOLD = 40
"""Deeper than a template or a policy may be."""

_NULL, _BOOL = re.compile(r"(?:~|null|Null|NULL|)$"), re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")
_INT, _FLOAT = (
    re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"),
    re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
)


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C loader is many times as quick where it is there, and reads the same."""


class _Loader(_Base):  # type: ignore[misc]
    """Only JSON's kinds of value."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's own attribute, emptied for this class


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", _NULL, [*"~nN", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, [*"tTfF"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, [*"-+0123456789"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, [*"-+0123456789"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("<<$"), ["<"])

Lines = dict[str, int]
"""JSON pointer → the line where that stands, from 1."""


class BadYaml(Exception):
    """What can't be read, and in which line."""

    def __init__(self, message: str, line: int | None = None, kind: str = "") -> None:
        """`kind`: `twice`, where a name stands twice in one object."""
        super().__init__(message)
        self.message = message
        self.line = line
        self.kind = kind


def read(text: str) -> tuple[Any, Lines]:
    """The value, and where each part of it stands. Raises BadYaml."""
    try:
        _refuse_deep(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, {}
        lines = lines_of(node)
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, (error.context, error.problem)))
        raise BadYaml(f"This is no YAML: {said}", None if mark is None else mark.line + 1) from None
    except yaml.YAMLError as error:
        raise BadYaml(f"This is no YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise BadYaml("This is nested too deep") from None
    except ValueError as error:
        raise BadYaml(f"This is no YAML: {error}") from None


def _refuse_deep(text: str) -> None:
    """Looks at the events only, which no depth exhausts; building nodes of them does."""
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                mark = event.start_mark
                raise BadYaml(f"This is nested deeper than {DEEPEST} levels", mark.line + 1 if mark else None)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def lines_of(node: yaml.Node) -> Lines:
    """Where each part stands. Raises BadYaml for keys that stand twice, and for what grows beyond all measure."""
    lines: Lines = {}
    for count, (pointer, line, depth) in enumerate(_walk(node)):
        if count >= MOST_NODES:
            raise BadYaml(f"With its aliases this comes to more than {MOST_NODES:,} parts")
        if depth > DEEPEST:
            raise BadYaml(f"This is nested deeper than {DEEPEST} levels", line)
        lines.setdefault(pointer, line)
    return lines


def _walk(root: yaml.Node) -> Iterator[tuple[str, int, int]]:
    """Pointer, line and depth of each part; a field of an object begins with its name."""
    stack = [("", root, root.start_mark.line, 0)]
    while stack:
        pointer, node, line, depth = stack.pop()
        yield pointer, line + 1, depth
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
                if name in seen and name != "<<":
                    raise BadYaml(f"{name[:40]!r} stands here twice", key.start_mark.line + 1, "twice")
                seen.add(name)
                place = f"{pointer}/{escaped(name)}" if depth < _DEEPEST_TOLD else pointer
                stack.append((place, value, key.start_mark.line, depth + 1))
        elif isinstance(node, yaml.SequenceNode):
            # What lies deeper is told with the place around it: thousands of long pointers would fill the memory.
            told = depth < _DEEPEST_TOLD
            stack += [
                (f"{pointer}/{n}" if told else pointer, x, x.start_mark.line, depth + 1)
                for n, x in enumerate(node.value)
            ]


class _Dumper(yaml.SafeDumper):
    """Lists stand under their key, short leaves on one line, texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_NUMERIC = re.compile(r"[-+.0-9][-+.:_0-9a-fA-FxoE]*")


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text and text.strip("\n") and not any(line.endswith(" ") for line in text.split("\n")):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    # What looks like a number is one to some readers of YAML.
    style = "'" if _NUMERIC.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _mapping(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.MappingNode:
    node = dumper.represent_mapping("tag:yaml.org,2002:map", value.items())
    node.flow_style = bool(value) and "type" in value and _is_short(value)
    return node


def _is_short(value: Any) -> bool:
    """Whether a value is a leaf, or an action inside of one, that is read more easily on one line."""
    if not all(not isinstance(x, list) and "\n" not in str(x) for x in value.values()):
        return False
    return len(str(value)) <= 130 and all(not isinstance(x, dict) or _is_short(x) for x in value.values())


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)


def write(value: Any) -> str:
    """The value as YAML, its fields in the order that they have."""
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=118, indent=2)
