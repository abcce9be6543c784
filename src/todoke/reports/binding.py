"""How far users came who were given a link to bind their number, by template and way."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from todoke.storage.bind_links import Step

STEPS = ("sent", "opened", "agreed", "claimed", "linked", "bound")
"""In the order in which users come by them."""


def funnel(
    steps: Iterable[Step], sent: Mapping[tuple[str, str], int], names: Mapping[str, str]
) -> dict[str, Any]:
    """The rows and their total.

    `sent`: template id and way → how many notices carried a link that way; a link of no notice is sent when it is
    made. `names`: template id → its name.
    """
    rows: dict[tuple[str | None, str], tuple[Counter[str], Counter[str]]] = {}
    total: Counter[str] = Counter()
    total_ended: Counter[str] = Counter()
    for (template_id, way), count in sent.items():
        rows.setdefault((names.get(template_id), way), (Counter(), Counter()))[0]["sent"] += count
        total["sent"] += count
    for step in steps:
        name = names.get(step.template_id or "")
        counts, ended = rows.setdefault((name, step.way), (Counter(), Counter()))
        if step.template_id is None:
            counts["sent"] += step.links
            total["sent"] += step.links
        for column in STEPS[1:]:
            counts[column] += getattr(step, column)
            total[column] += getattr(step, column)
        if step.why is not None:
            ended[step.why] += step.links
            total_ended[step.why] += step.links
    shown = [
        {"template": template, "way": way, **{x: counts[x] for x in STEPS}, "ended": dict(ended)}
        for (template, way), (counts, ended) in sorted(rows.items(), key=lambda x: (x[0][0] or "", x[0][1]))
    ]
    return {"rows": shown, "total": {**{x: total[x] for x in STEPS}, "ended": dict(total_ended)}}
