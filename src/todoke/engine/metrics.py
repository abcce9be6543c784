"""What is counted for Prometheus. Labels never hold anything of a recipient."""

from prometheus_client import Counter, Gauge

ATTEMPTS = Counter("todoke_attempts_total", "Requests to carriers by outcome", ["outcome"])
EVENTS = Counter("todoke_inbound_requests_total", "Requests from carriers that were stored", ["carrier"])
EVENTS_REFUSED = Counter(
    "todoke_inbound_refused_total", "Requests from carriers that were refused", ["carrier"]
)
UNKNOWN_TAGS = Counter("todoke_events_unknown_total", "Events about messages that are not ours")
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
