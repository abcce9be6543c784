"""The comparison: lists sent with Celery, Redis, SQL and LINE's official SDK, as a competent user would write it.

app.py is Celery and its settings, models.py the tables, tasks.py what workers do, outcomes.py how they write LINE's
answers down where a task is one notice, webhook.py what receives LINE's delivery events. May import nothing of
`todoke`, its client or the rest of `bench` but the text that is sent. Nothing here is made slow on purpose: where
there was a choice, docs/performance.md says what was tried and kept.
"""
