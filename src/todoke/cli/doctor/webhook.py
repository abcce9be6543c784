"""What LINE's own test of a webhook says, in words, each reason with its remedy.

Source: Messaging API reference, "Test webhook endpoint"; Messaging API, "Check error causes and statistics".
"""

from collections.abc import Callable

from todoke.carriers.line import WebhookTest
from todoke.cli.doctor.findings import Finding

_BY_REASON = {
    "COULD_NOT_CONNECT": (
        "LINE can't connect to {url}.",
        "See that the name leads to this machine, that port 443 is open from outside, and that the certificate is of a "
        "public authority and complete with its intermediates.",
    ),
    "REQUEST_TIMEOUT": (
        "{url} takes too long to answer LINE.",
        "See that the proxy reaches the gateway and that the machine is not overloaded: LINE waits 2 seconds at most.",
    ),
    "UNCLASSIFIED": (
        "LINE's test of {url} failed, and LINE does not say why.",
        "Try again; then see the error statistics of the channel in the LINE Developers Console.",
    ),
}
_BY_STATUS = {
    401: (
        "the gateway refused LINE's test for its signature: the secret stored here is not what LINE signs with.",
        "Set the channel secret of the LINE Developers Console (PATCH /v1/channels/NAME); with LINE Chat Plus set the "
        "switcher secret.",
    ),
    404: (
        "at {url} nobody knows the address (404).",
        "See that the proxy hands /line/ on to this gateway, and that it works on this data folder.",
    ),
    503: (
        "at {url} something answers 503.",
        "See that the gateway runs and is ready (/readyz), and that the proxy reaches it.",
    ),
}


def explain(
    test: WebhookTest, url: str, found: Callable[..., Finding], *, gateway_runs: bool = True
) -> Finding:
    """The one finding about a test."""
    if not test.ok:
        remedy = "LINE tests 60 times an hour at most: wait." if test.status == 429 else ""
        return found("warning", f"LINE did not test its webhook: {test.error}.", remedy)
    if test.success:
        return found("ok", "LINE reaches its webhook.")
    text, remedy = _words(test)
    if not gateway_runs:
        remedy = "Start the gateway first (todoke serve), then look again."
    return found("error", text.format(url=url), remedy)


def _words(test: WebhookTest) -> tuple[str, str]:
    status = test.status_code
    if status <= 0 or test.reason != "ERROR_STATUS_CODE":
        return _BY_REASON.get(test.reason, _BY_REASON["UNCLASSIFIED"])
    if status in (502, 504):
        return f"the proxy at {{url}} answers {status}: it does not reach the gateway.", _BY_STATUS[503][1]
    if 300 <= status < 400:
        return (
            f"{{url}} answers with a redirect ({status}).",
            "LINE follows none: set TODOKE_BASE_URL to where it leads.",
        )
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return (
        f"{{url}} answers LINE's test with {status}.",
        "See the logs of the gateway and of the proxy before it.",
    )
