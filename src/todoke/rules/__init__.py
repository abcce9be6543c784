"""The project's own rules of the content check, as data, a file a language, and what loads them.

May import the core only. A rule says which words make a text advertising; how rules are applied is in
`todoke.core.content`, and never here.
"""

from todoke.rules.load import load_checker, load_rules, rules_version

__all__ = ["load_checker", "load_rules", "rules_version"]
