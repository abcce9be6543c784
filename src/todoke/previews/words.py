"""The captions of previews, in four languages: what stands around the phones, never what stands on them."""

from functools import cache
from pathlib import Path

import yaml

LANGUAGES = ("en", "zh-Hant", "ja", "th")
_FILE = Path(__file__).parent / "files" / "words.yaml"


@cache
def _table() -> dict[str, dict[str, str]]:
    found = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@cache
def words(language: str) -> dict[str, str]:
    """All captions in one of LANGUAGES, by key. Callers leave it as it is."""
    return {key: entry[language] for key, entry in _table().items()}
