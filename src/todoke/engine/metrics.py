"""What is counted for Prometheus. Labels never hold anything of a recipient."""

from prometheus_client import Counter, Gauge, disable_created_metrics

from todoke.actions.opt_outs import Heard

# When a counter was made is of no use, and doubles what is read every few seconds.
disable_created_metrics()  # type: ignore[no-untyped-call]

ATTEMPTS = Counter("todoke_attempts_total", "Requests to carriers by outcome", ["outcome"])
EVENTS = Counter("todoke_inbound_requests_total", "Requests from carriers that were stored", ["carrier"])
EVENTS_REFUSED = Counter(
    "todoke_inbound_refused_total", "Requests from carriers that were refused", ["carrier"]
)
UNKNOWN_TAGS = Counter("todoke_events_unknown_total", "Events about messages that are not ours")
REPLIES = Counter("todoke_sms_replies_total", "SMS from recipients by what they are", ["said"])
OPT_OUTS = Counter("todoke_opt_outs_total", "Words of recipients by what came of them", ["came_of"])
LATE_DUPLICATES = Counter("todoke_late_duplicates_total", "Messages seen after a later step had left")
MESSAGES = Counter("todoke_messages_total", "Requests for ordinary messages by outcome", ["outcome"])
ACCEPTED = Counter("todoke_notices_accepted_total", "Notices taken in")
CHANNELS_PAUSED = Gauge("todoke_channels_paused", "Channels that do not send over LINE now")
POSTINGS = Counter(
    "todoke_postings_total", "Tries of webhooks to the business's endpoints by outcome", ["outcome"]
)
ALARMS = Gauge("todoke_alarms", "Alarms that stand now", ["kind"])
OUT = Gauge("todoke_attempts_out", "Attempts whose answer is not recorded yet")
TOKENS = Counter("todoke_tokens_total", "Channel access tokens asked for, by result", ["result"])
HUB_REQUESTS = Counter(
    "todoke_hub_requests_total", "Requests of LINE that were passed on, by result", ["target", "result"]
)
HUB_LAG = Gauge("todoke_hub_lag_requests", "Requests that a target of the hub has still to get", ["target"])
HUB_LAG_SECONDS = Gauge("todoke_hub_lag_seconds", "How long the oldest of them has been waiting", ["target"])


def count_words(heard: Heard) -> None:
    """What came of words that recipients sent by SMS."""
    OPT_OUTS.labels("suppressed").inc(heard.suppressed)
    OPT_OUTS.labels("released").inc(heard.released)
    OPT_OUTS.labels("nothing").inc(heard.nowhere)
