"""The pages' templates. What draws them is loaded with the first page: most gateways show few or none."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def draw(page: str, /, **values: Any) -> str:
    """A page of `pages/` as HTML. Raises where it wants a value that is not given."""
    return _pages().get_template(page).render(**values)


@cache
def _pages() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
