"""The content check: what a text says that LINE's rules forbid in a notice. Findings have a code, place, words, remedy.

Pure: rules come in as data (`todoke.rules` holds the project's own), texts as strings; no files, no clock.
Never here: storing findings, asking for reviews, knowing a notice's state.
"""

from todoke.core.content.finding import Finding, Severity

__all__ = ["Finding", "Severity"]
