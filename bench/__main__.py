"""`python -m bench`: the stages and the whole, beside what others would use; at the end a table of goals and figures.

Everything runs here and now on the same cores, with real processes and durable commits. Machines are noisy: judge by
ratios and by processor time rather than by rates.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from bench import figures
from bench.figures import Figure
from bench.stages import STAGES, Sizes


def measure(
    name: str, sizes: Sizes, title: str, run: Callable[[Path, Sizes], list[Figure]]
) -> list[Figure] | None:
    """One stage in a folder of its own. None: it could not be played; the others go on."""
    print(f"\n== {name}: {title}", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="todoke-bench-") as folder:
        try:
            found = run(Path(folder), sizes)
        except Exception:
            traceback.print_exc()
            print(f"The stage {name} could not be played to its end.", flush=True)
            return None
    if not sizes.quick:
        figures.keep(name, found)
    print(f"   {time.monotonic() - begun:.0f} s", flush=True)
    return found


def asked_for() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only", choices=tuple(STAGES), action="append", help="a stage; may be repeated (all)"
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", action="store_true", help="small sizes, one round: whether it runs, no figures"
    )
    size.add_argument("--long", action="store_true", help="the full sizes: about two hours")
    parser.add_argument("--notices", type=int, help="notices in a run of the whole (60000)")
    parser.add_argument("--rounds", type=int, help="runs of each side, in turn (3)")
    parser.add_argument("--rows", type=int, nargs="+", help="rows of the lists of the stage lists (1000000)")
    parser.add_argument("--seconds", type=float, help="length of the stage pacing (20)")
    parser.add_argument("--stored", type=int, nargs="+", help="sizes of the stage growth (100000 1000000)")
    parser.add_argument(
        "--markdown", action="store_true", help="prints the newest figures of each stage; measures nothing"
    )
    return parser.parse_args()


def main() -> None:
    """Measures what is asked for. Exit code 1: a stage could not be played; a goal that is missed is only told."""
    asked = asked_for()
    if asked.markdown:
        print(figures.markdown(list(STAGES)))
        return
    sizes = Sizes.of(asked)
    print(f"{figures.machine()}; LINE's side and the load run on the same cores", flush=True)
    found, broken = {}, []
    for name in asked.only or STAGES:
        title, run = STAGES[name]
        came = measure(name, sizes, title, run)
        if came is None:
            broken.append(name)
        elif came:
            found[name] = came
    print(f"\n{figures.table(found)}")
    print(
        "ratio: 1 or more where the goal is met. python -m bench --markdown prints the newest figures again."
    )
    if broken:
        sys.exit(f"Could not be played: {', '.join(broken)}. See above.")


if __name__ == "__main__":
    main()
