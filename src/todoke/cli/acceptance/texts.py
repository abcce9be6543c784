"""The words of the report and of the pictures, in the four languages, from the YAML files beside this one."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

LANGUAGES = ("zh-Hant", "th", "ja", "en")


@cache
def _file(name: str) -> dict[str, Any]:
    found = yaml.safe_load((files("todoke.cli.acceptance") / name).read_text(encoding="utf-8"))
    assert isinstance(found, dict), name
    return found


class Texts:
    """All words in one language. `values` fill the braces of every text."""

    def __init__(self, language: str, **values: str) -> None:
        self.language = language
        self._values = values

    def caption(self, key: str, **values: str) -> str:
        """What stands under a picture."""
        return self._filled(_file("captions.yaml")[key], values)

    def word(self, key: str, **values: str) -> str:
        """A word of the report, such as a heading or a state: `state.delivered`."""
        return self._filled(_file("words.yaml")[key], values)

    def scenario(self, key: str, part: str) -> str:
        """`part`: title, what, expected."""
        return self._filled(_file("scenarios.yaml")["scenarios"][key][part], {})

    def group(self, key: str) -> str:
        return self._filled(_file("scenarios.yaml")["groups"][key], {})

    def _filled(self, texts: dict[str, str], values: dict[str, str]) -> str:
        text = texts[self.language]
        for name, value in (self._values | values).items():
            text = text.replace("{" + name + "}", value)
        return text
