"""SQLAlchemy's asyncio half without its ORM, which nothing here uses: 7 MB, and a tenth of a second of each start.

`sqlalchemy.ext.asyncio` imports its sessions, and with them the ORM, though engines and connections need neither. So
the package stands here without them; who asks it for a session, as another library may, gets it then.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

PACKAGE = "sqlalchemy.ext.asyncio"
_NEEDED = ("engine", "result")
_LATER = ("session", "scoping")


def leave_out_sessions() -> None:
    """To be called before anything imports `sqlalchemy.ext.asyncio`; later it does nothing."""
    if PACKAGE in sys.modules or (spec := find_spec(PACKAGE)) is None:
        return
    package = module_from_spec(spec)
    sys.modules[PACKAGE] = package
    vars(sys.modules["sqlalchemy.ext"])["asyncio"] = package
    for part in _NEEDED:
        module = import_module(f"{PACKAGE}.{part}")
        vars(package).update(
            {name: x for name, x in vars(module).items() if name.startswith(("Async", "create_"))}
        )

    def find(name: str) -> Any:
        # What imports a module of the package asks the package for it first.
        if not name.startswith("_") and find_spec(f"{PACKAGE}.{name}") is None:
            for part in (*_NEEDED, *_LATER):
                if hasattr(module := import_module(f"{PACKAGE}.{part}"), name):
                    return getattr(module, name)
        raise AttributeError(f"module {PACKAGE!r} has no attribute {name!r}")

    vars(package)["__getattr__"] = find
