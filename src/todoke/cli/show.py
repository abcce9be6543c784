"""Answers of the API as tables and lines for a terminal."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

STATE_STYLE = {
    "delivered": "green",
    "handed_over": "green",
    "waiting": "yellow",
    "sending": "cyan",
    "queued": "cyan",
    "not_delivered": "red",
    "refused": "red",
    "cancelled": "dim",
}
STATE_WORDS = {
    "queued": "waits for its turn",
    "sending": "its request is out",
    "waiting": "taken, proof outstanding",
    "delivered": "proved by a carrier",
    "handed_over": "taken, no proof to be had",
    "not_delivered": "no step proved it",
    "cancelled": "no further step begins",
    "refused": "never sent",
}
STEP_WORDS = {
    "line_push": "LINE push",
    "line_notification": "LINE notification",
    "sms": "SMS",
    "callback": "own system",
}
REASON_WORDS = {
    "unreachable": "no step reached the number",
    "silent": "no proof came in time",
    "failed": "the last carrier did not take it, or could not deliver it",
    "unknown": "outcome unknown, nothing proved it",
    "invalid": "refused for its content",
    "denied": "the channel may not send",
    "throttled": "too fast, or a quota was used up",
    "deadline": "the deadline passed",
    "no_step": "no step could run",
    "suppressed": "the recipient is suppressed",
    "not_live": "the template may not reach real recipients",
    "frequency": "the recipient has had as many as the policy allows",
    "cancelled": "cancelled",
}


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    for i, column in enumerate(columns):
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left", no_wrap=i == 0)
    return table


def channels(found: list[dict[str, Any]]) -> RenderableType:
    if not found:
        return "There are no channels yet. Register one: todoke channels add --help"
    parts: list[RenderableType] = []
    for c in found:
        state = c["state"] if c["paused_why"] is None else f"{c['state']}: {c['paused_why']}"
        style = "green" if c["state"] == "active" else "red"
        parts += [
            Text.assemble(
                (c["name"], "bold"), f"  {c['region']}  {c['line_channel_id']}  {c['mode']}  ", (state, style)
            ),
            Text(f"  {c['webhook_url']}", style="dim", overflow="fold"),
        ]
        if c["token_trouble"] is not None and c["paused_why"] is None:
            parts.append(Text(f"  {c['token_trouble']}", style="yellow"))
    return Group(*parts)


EVENT_WORDS = {
    "queued": "taken in",
    "sent": "request sent",
    "proof": "proof of delivery",
    "late_proof": "late proof of delivery",
    "silent": "no proof in time",
    "cancel_requested": "asked to cancel",
}


def notice(n: dict[str, Any]) -> RenderableType:
    """One notice with its timeline."""
    words = STATE_WORDS[n["state"]]
    if n["reason"] and n["reason"] != n["state"]:
        words += f" ({REASON_WORDS.get(n['reason'], n['reason'])})"
    head = Text.assemble((n["state"], STATE_STYLE[n["state"]]), f": {words}")
    about = f"{n['id']}  to {n['to']} ({n['country']})  {n['template']} v{n['template_version']}"
    if n["reference"]:
        about += f"  {n['reference']}"
    table = _table("time (UTC)", "step", "what happened")
    for event in n["timeline"]:
        step = STEP_WORDS.get(event.get("step", ""), "")
        table.add_row(event["at"][:23].replace("T", " "), step, _happened(event))
    notes = [f"{STEP_WORDS[s['step']]} was skipped: {s['why']}" for s in n["skipped"]]
    if any(e["event"] == "cancel_requested" for e in n["timeline"]) and n["ended_at"] is None:
        notes.append("Cancelled: no further step begins. What a carrier has taken is still followed.")
    if n.get("archived"):
        notes.append("It ended so long ago that it is in the archive.")
    return Group(
        head, Text(about, style="dim"), table, *(Text(x, style="dim") for x in [*notes, *_costs(n["cost"])])
    )


def _happened(event: dict[str, Any]) -> str:
    if event["event"] == "ended":
        return f"ended: {event['state']}"
    if event["event"] == "answered":
        detail = event.get("detail")
        return f"{event['outcome']}: {event['text']}" + (f" ({detail})" if detail else "")
    words = EVENT_WORDS.get(event["event"]) or str(event["event"])
    return f"{words}: {event['text']}" if event["event"] == "silent" else words


def _costs(costs: Iterable[dict[str, Any]]) -> list[str]:
    return [f"{STEP_WORDS[c['step']]}: {money(c)}" for c in costs]


def templates(found: list[dict[str, Any]]) -> RenderableType:
    if not found:
        return "There are no templates yet. Make some: todoke templates push --help"
    table = _table("name", ">version", "use case", "parameters", "forms")
    for t in found:
        forms = ", ".join(f for f in ("line_template", "flexible", "push", "sms") if t.get(f))
        table.add_row(t["name"], str(t["version"]), t["use_case"], ", ".join(t["parameters"]), forms)
    return table


def policies(found: list[dict[str, Any]]) -> RenderableType:
    if not found:
        return "There are no named policies. A notice without one gets that of its use case's urgency."
    table = _table("name", ">version", "steps", "deadline")
    for p in found:
        steps = " → ".join(f"{STEP_WORDS[s['step']]} {s.get('wait', '')}".strip() for s in p["steps"])
        table.add_row(p["name"], str(p["version"]), steps, p["deadline"] or "")
    return table


def money(amount: dict[str, Any]) -> str:
    """An amount, a range, or unknown."""
    if amount["amount"] is None:
        return "price unknown"
    upto = f" to {amount['amount_at_most']}" if "amount_at_most" in amount else ""
    return f"{amount['amount']}{upto} {amount['currency']}"


def batch(b: dict[str, Any], between: Sequence[RenderableType] = ()) -> RenderableType:
    """A batch; `between`: lines between its counts and its states."""
    table = _table("state", ">notices")
    for state, count in sorted(b["states"].items(), key=lambda x: -x[1]):
        table.add_row(Text(state, style=STATE_STYLE[state]), f"{count:,}")
    head = f"{b['id']}  {b['file']}: {b['state']}"
    counts = f"{b['rows']:,} rows read: {b['accepted']:,} accepted, {b['refused']:,} refused"
    return Group(Text(head), counts, *between, table)


def imported(b: dict[str, Any], rejects: Path | None) -> RenderableType:
    if not b["rows"]:
        return "The file has a header and no rows: nothing was sent."
    lines = [f"{b['accepted']:,} accepted, {b['refused']:,} refused. Batch {b['id']}"]
    if b["duplicates"]:
        lines.append(f"{b['duplicates']:,} rows have number and parameters of another row again")
    if b.get("repeats"):
        lines.append(f"{b['repeats']:,} rows repeat a notice of the last days")
    if b["refused"]:
        where = (
            str(rejects) if rejects else f"GET /v1/batches/{b['id']}/rejects.csv, or --rejects FILE next time"
        )
        lines.append(f"[dim]Refused rows with their reasons: {where}[/dim]")
    lines.append(
        f"[dim]How far it is: todoke batches show {b['id']}\nWhat became of them: todoke report --batch {b['id']}[/dim]"
    )
    return Group(*lines)


def detected(d: dict[str, Any]) -> RenderableType:
    """What was found of a file, and how sure that is."""

    def sure(name: str) -> str:
        return {"sure": "", "set": ", as said"}.get(d[f"{name}_sure"], f", {d[f'{name}_sure']}")

    if d["kind"] == "workbook":
        others = len(d["sheets"]) - 1
        more = f" of {others + 1}" if others else ""
        what = f"Workbook, sheet {d['sheet']}{more}{sure('sheet')}"
    else:
        words = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe"}
        delimiter = words.get(d["delimiter"], d["delimiter"])
        what = f"{d['encoding']}{sure('encoding')}; {delimiter} between cells{sure('delimiter')}"
    columns = ", ".join(f"{name} ← {heading}" for name, heading in d["columns"].items())
    return Text(f"{what}; header in line {d['header_line']}: {columns}", style="dim")


def _first(rows: list[dict[str, Any]]) -> list[RenderableType]:
    """The first rows as they would be sent."""
    shown: list[RenderableType] = []
    for row in rows:
        shown.append(Text(f"line {row['line']}, to {row['to']}, {row['language']}"))
        for s in row["steps"]:
            what = s.get("text") or (s["why_not"] if not s["would_run"] else s.get("kind") or "")
            shown.append(Padding(Text(f"{STEP_WORDS[s['step']]}: {what}", style="dim"), (0, 0, 0, 3)))
    return shown


def preview(p: dict[str, Any]) -> RenderableType:
    table = _table(">line", "refused for")
    for r in p["rejects"][:20]:
        table.add_row(str(r["line"]), Text(r["reason"]))
    read = "The whole file" if p["whole_file"] else "The first rows"
    head = (
        f"Nothing was sent. {read}: {p['accepted']:,} of {p['rows']:,} fit, {p['refused']:,} would be refused"
    )
    again = [f"{p['duplicates']:,} repeat another row, {p['repeats']:,} a notice of the last days"]
    return Group(
        head,
        detected(p["detected"]),
        *(again if p["duplicates"] or p["repeats"] else []),
        *_first(p["first"]),
        *([table] if p["rejects"] else []),
    )


def dry_run(d: dict[str, Any]) -> RenderableType:
    """What each step would do, one below the other."""
    parts: list[RenderableType] = [
        f"Nothing was sent. To {d['to']} ({d['country']}): {d['policy']['why']}.",
        Text(d["recipient"]["text"], style="dim"),
    ]
    parts += [Text(x, style="yellow") for x in d["policy"].get("warnings", [])]
    for i, s in enumerate(d["steps"], 1):
        runs = ("would run", "green") if s["would_run"] else ("can't run", "red")
        after = s.get("begins_after")
        begins = f" after {after}" if after and after != "0s" else ""
        wait = f", may take {s['wait']}" if s["would_run"] and s.get("wait") else ""
        parts.append(Text.assemble(f"{i}. {STEP_WORDS[s['step']]}: ", runs, begins, wait))
        notes = [
            s.get("why_not"),
            s.get("held"),
            s.get("why"),
            s.get("kind") and f"{s['kind']} kind",
            s.get("text"),
        ]
        if "segments" in s:
            word = "segment" if s["segments"] == 1 else "segments"
            notes.append(f"{s['segments']} {word}, {s['encoding']}, {money(s['cost'])}")
            if len(s["carriers"]) > 1:
                notes.append(f"by {s['carriers'][0]}, else by {', '.join(s['carriers'][1:])}")
        elif "cost" in s:
            notes.append(money(s["cost"]))
        parts += [Padding(Text(x, style="dim"), (0, 0, 0, 3)) for x in notes if x]
    if "refused_why" in d:
        parts.append(Text(f"It would be refused: {d['refused_why']}.", style="red"))
    elif d["would_be_refused"]:
        parts.append(Text("No step could run: it would be refused.", style="red"))
    return Group(*parts)


def report(funnel: dict[str, Any], cost: dict[str, Any], latency: dict[str, Any]) -> list[RenderableType]:
    """The report as people read it."""
    return [*_ends(funnel), "", *_line(funnel), "", *_cost(cost), *_latency(latency)]


def _ends(funnel: dict[str, Any]) -> list[RenderableType]:
    asked = funnel["asked"]
    table = _table(
        "what became of them",
        ">notices",
        ">share",
        "",
        title=f"{asked:,} {'notice' if asked == 1 else 'notices'} asked for",
    )
    for state, count in funnel["states"].items():
        if not count:
            continue
        share = f"{100 * count / asked:.1f} %" if asked else ""
        table.add_row(Text(state, style=STATE_STYLE[state]), f"{count:,}", share, STATE_WORDS[state])
        if state == "delivered":
            for step, n in sorted(funnel["delivered_by"].items()):
                table.add_row(f"  first by {STEP_WORDS[step]}", f"{n:,}", "", "")
        if state == "handed_over":
            for step in ("line_push", "callback"):
                if n := funnel["steps"].get(step, {}).get("accepted"):
                    table.add_row(f"  by {STEP_WORDS[step]}", f"{n:,}", "", "")
        for reason, n in sorted(funnel["reasons"].get(state, {}).items(), key=lambda x: -x[1]):
            table.add_row(f"  {REASON_WORDS.get(reason, reason)}", f"{n:,}", "", "")
    return [table]


def _line(funnel: dict[str, Any]) -> list[RenderableType]:
    line = funnel["line_notification"]
    table = _table("over LINE", ">notices", "", title="LINE notification, step by step")
    table.add_row("asked of LINE", f"{line['requested']:,}", "")
    table.add_row("  can't be sent (422)", f"{line['not_matched']:,}", "SMS at once")
    table.add_row("  accepted", f"{line['accepted']:,}", "2xx: not yet delivered")
    table.add_row("    shown to the user", f"{line['shown']:,}", "LINE's delivery event came")
    table.add_row("    no event in 24 hours", f"{line['silent']:,}", "blocked, or no consent")
    if line["unknown"]:
        table.add_row("  outcome unknown", f"{line['unknown']:,}", "never sent again by itself")
    table.add_row("late duplicates", f"{funnel['late_duplicates']:,}", "shown after the SMS left")
    return [table]


def _cost(cost: dict[str, Any]) -> list[RenderableType]:
    table = _table("country", "step", ">messages", ">segments", ">cost", title="Cost")
    for row in cost["lines"]:
        segments = f"{row['segments']:,}" if "segments" in row else ""
        table.add_row(row["country"], STEP_WORDS[row["step"]], f"{row['messages']:,}", segments, money(row))
    alone = _table("country", "", ">messages", ">segments", ">cost", title="\nThe same by SMS alone")
    for row in cost["sms_alone"]:
        alone.add_row(row["country"], "SMS", f"{row['messages']:,}", f"{row['segments']:,}", money(row))
    totals = [f"Together {money(total)}" for total in cost["totals"]]
    if cost["has_unknown_prices"] and totals:
        totals.append("[dim]Countries without a known price are not in it.[/dim]")
    return [table, *totals, alone]


def _latency(latency: dict[str, Any]) -> list[RenderableType]:
    if not latency["steps"]:
        return []
    limits = list(next(iter(latency["steps"].values()))["within"])
    table = _table("proof came within", *(f">{x}" for x in limits), ">in all", title="\nTime to deliver")
    for step, row in latency["steps"].items():
        table.add_row(STEP_WORDS[step], *(f"{row['within'][x]:,}" for x in limits), f"{row['proofs']:,}")
    return [table]
