"""Scenario files: steps with a moment and a deed, read and checked. `director` plays them.

YAML or JSON. Whatever is wrong is said with its step, its line where there is one, and the remedy.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml
from msgspec import UNSET, UnsetType

from line_emulator import times
from line_emulator.clockwork.clock import PAUSED, REAL
from line_emulator.control import wording
from line_emulator.control.acts import SEND_SMS, ActionBody
from line_emulator.control.channels import ChannelBody
from line_emulator.control.http import Refused
from line_emulator.control.trouble import ClockBody, FaultBody
from line_emulator.control.users import UserBody
from line_emulator.faults import fault_in, order_of
from line_emulator.world.accounts import ACTIONS
from line_emulator.world.notifications import RECEPTIONS

LARGEST = 256 * 1024
MOST_STEPS = 1000
DEEPEST = 20
LONGEST_LINE = 80
INDENT = "indent with spaces, steps equally deep"
VERIFY = "verify"
"""An action beside those of the control API: asks for a PIN and enters it."""
_SURROGATE = re.compile("[\ud800-\udfff]")
DEEDS = ("fault", "clear_faults", "act", "user", "channel", "clock")


class BadScenario(ValueError):
    """What is wrong with a file, in words for its writer."""


class Who(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One user by `phone`, or a `share` of all: only those with this `reception`, whose numbers begin so.

    The share is drawn by number and `seed`: the same seed finds the same users again.
    """

    phone: str | None = None
    share: float | None = None
    reception: str | None = None
    prefix: str = "+"
    seed: int = 1

    def fault(self) -> str | None:
        """What is wrong with it, in words; None if nothing is."""
        if (self.phone is None) == (self.share is None):
            return "name one user by phone, or a share of all from 0 to 1"
        if self.share is not None and not 0 <= self.share <= 1:
            return f"share is {self.share:g}; it must lie between 0 and 1"
        if self.phone is not None and not self.phone.startswith("+"):
            return f"phone is {self.phone!r}; it must be in E.164 form, such as +886912345678"
        if self.reception not in (None, *RECEPTIONS):
            return f"reception is {self.reception!r}; it must be one of {', '.join(RECEPTIONS)}"
        if not 0 <= self.seed < 2**63:
            return "seed must lie between 0 and 2^63 - 1"
        return None


class ActDeed(ActionBody, forbid_unknown_fields=True, kw_only=True):
    """An action of users. Without `channel_id` it concerns every channel, where it concerns any."""

    who: Who


class UserDeed(UserBody, forbid_unknown_fields=True, kw_only=True):
    """New values for users."""

    who: Who


class ChannelDeed(ChannelBody, forbid_unknown_fields=True, kw_only=True):
    """New values for one channel, or without `channel_id` for every one."""


class Step(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename={"lasts": "for"}):
    """One step. `at`: virtual time since the start; or `after` so many requests, of `path` or to LINE at all.

    Exactly one deed. `lasts` (in the file: `for`): after that virtual time a fault is withdrawn, a channel gets
    its former values back.
    """

    at: str | None = None
    after: int | None = None
    path: str | None = None
    lasts: str | None = None
    note: str = ""
    fault: FaultBody | None = None
    clear_faults: bool | None = None
    act: ActDeed | None = None
    user: UserDeed | None = None
    channel: ChannelDeed | None = None
    clock: ClockBody | None = None
    line: int | UnsetType = UNSET

    def deed(self) -> str:
        """Which one it is."""
        return next(name for name in DEEDS if getattr(self, name) is not None)

    def concerns(self, path: str) -> bool:
        """Whether a request to this path counts for it."""
        if self.path is None:
            return True
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path

    def check(self) -> None:
        """Raises ValueError or Refused with what is wrong."""
        if (self.at is None) == (self.after is None):
            raise ValueError(
                "say when: at a duration since the start, such as 10m, or after a number of requests"
            )
        if self.at is not None:
            times.parse_duration(self.at)
            if self.path is not None:
                raise ValueError("path goes with after: it says which requests count")
        if self.after is not None and not 1 <= self.after <= 10**12:
            raise ValueError("after must be 1 or more")
        if sum(getattr(self, name) is not None for name in DEEDS) != 1:
            raise ValueError(f"say what to do: exactly one of {', '.join(DEEDS)}")
        if self.lasts is not None:
            times.parse_duration(self.lasts)
            if self.fault is None and self.channel is None:
                raise ValueError("for goes with a fault or a channel, which are then put back")
        self._check_deed()

    def _check_deed(self) -> None:
        wrong = None
        if self.fault is not None:
            wrong = fault_in(order_of(**msgspec.structs.asdict(self.fault)))
        elif self.act is not None:
            wrong = self.act.who.fault() or self.act.fault()
            known = (VERIFY, SEND_SMS, *ACTIONS)
            if self.act.action not in known:
                wrong = f"action is {self.act.action!r}; it must be one of {', '.join(known)}"
        elif self.user is not None:
            wrong = self.user.who.fault()
            self.user.given(0)
        elif self.channel is not None:
            self.channel.given()
        elif self.clock is not None:
            wrong = self.clock.fault()
            if self.clock.advance is not None or self.clock.set is not None:
                wrong = f"a scenario sets the clock's speed and mode ({REAL}, {PAUSED}) only"
        elif not self.clear_faults:
            wrong = "clear_faults takes true"
        if wrong is not None:
            raise ValueError(wrong)


class Scenario(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A checked scenario."""

    name: str
    steps: list[Step]
    about: str = ""


def read(text: str | bytes, source: str = "The scenario") -> Scenario:
    """A scenario from YAML or JSON. Raises BadScenario, which begins with `source`."""
    if len(text) > LARGEST:
        raise BadScenario(f"{source} is larger than {LARGEST // 1024} kB; split it into several")
    try:
        raw, lines = _parse(text)
    except BadScenario as error:
        raise BadScenario(f"{source}{error}") from None
    wrong = _wrong_at_the_top(raw)
    if wrong is not None:
        raise BadScenario(f"{source} {wrong}")
    steps: list[Step] = []
    if not 1 <= len(raw["steps"]) <= MOST_STEPS:
        raise BadScenario(f"{source} has {len(raw['steps'])} steps; it must have 1 to {MOST_STEPS}")
    for place, entry in enumerate(raw["steps"]):
        line = lines.get(place)
        where = f"{source}, step {place + 1}" + (f" (line {line})" if line is not None else "")
        try:
            step = msgspec.convert(entry, Step)
            step.check()
        except Refused as error:
            raise BadScenario(f"{where}: {error.message}") from None
        except (ValueError, TypeError, OverflowError) as error:
            raise BadScenario(f"{where}: {_plain(error, entry, Step)}") from None
        step.line = UNSET if line is None else line
        steps.append(step)
    try:
        return msgspec.convert({**raw, "steps": steps}, Scenario)
    except ValueError as error:
        raise BadScenario(f"{source}: {_plain(error, raw, Scenario)}") from None


def _wrong_at_the_top(raw: Any) -> str | None:
    if not isinstance(raw, dict):
        return "must be a mapping with a name and a list of steps"
    known = Scenario.__struct_fields__
    for name in raw:
        if name not in known:
            return f"has an unknown key `{str(name)[:50]}` at the top: {wording.nearest(str(name), known)}"
    for name, form in (("name", "name: Christmas"), ("steps", "steps: and below it a list of steps")):
        if name not in raw:
            return f"lacks {name} at the top; write {form}"
    if not isinstance(raw["steps"], list):
        return "must have a list of steps under steps"
    return None


def _plain(error: Exception, data: Any, kind: type) -> str:
    """What is wrong with it, in words; other errors than msgspec's have their own."""
    return (
        wording.explain(str(error), data, kind) if isinstance(error, msgspec.ValidationError) else str(error)
    )


class _Loader(yaml.SafeLoader):
    """YAML without dates, and without numbers that begin with a plus sign: those are telephone numbers."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if not tag.endswith(":timestamp")]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if first != "+"
}


def _parse(text: str | bytes) -> tuple[Any, dict[int, int]]:
    """The plain data, and the line (from 1) of each step where there are lines."""
    try:
        return msgspec.json.decode(text), {}
    except (ValueError, RecursionError):
        pass
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            line = event.start_mark.line + 1 if event.start_mark is not None else 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise BadScenario(f", line {line}: anchors and aliases (& and *) are not taken; write it out")
            if _SURROGATE.search(getattr(event, "value", None) or ""):
                raise BadScenario(
                    f", line {line}: half a surrogate pair (\\ud800 to \\udfff) is no character"
                )
            opens = isinstance(event, yaml.CollectionStartEvent)
            depth += opens - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise BadScenario(f", line {line}: nested too deeply")
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            return (None if node is None else loader.construct_document(node)), _lines(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        told = f"{where}: {error.problem or error.context or 'it is no YAML'}"
        raise BadScenario(f"{told}{_quoted(text, mark)}; {INDENT}") from None
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        # PyYAML itself stumbles over tags that do not fit their text, such as !!int "" or !!bool x.
        raise BadScenario(f" is neither YAML nor JSON: {(str(error) or 'a tag').splitlines()[0]}") from None


def _quoted(text: str | bytes, mark: yaml.Mark | None) -> str:
    """The line on which YAML stumbled."""
    lines = (text if isinstance(text, str) else text.decode("utf-8", "replace")).splitlines()
    if mark is None or not mark.line < len(lines):
        return ""
    line = lines[mark.line].strip()
    return f" in `{line[:LONGEST_LINE]}`" if line else ""


def _lines(node: Any) -> dict[int, int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "steps" and isinstance(value, yaml.SequenceNode):
                return {place: step.start_mark.line + 1 for place, step in enumerate(value.value)}
    return {}
