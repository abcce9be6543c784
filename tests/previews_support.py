"""Templates that are hard to draw, for tests of previews."""

from __future__ import annotations

from typing import Any

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
STACKED = "กำลังปฏิบัติหน้าที่ ผู้รับผิดชอบอยู่ที่ชั้นใต้ดิน ปี่ปู่ป๋า ญู ฐุ น้ำใส"
"""Thai with vowels and tones above each other, and signs below the line."""
HAN = "骨直角令返平海与今令"
"""Characters that Taiwan and Japan write in forms of their own."""
EMOJI = "📦👨‍👩‍👧‍👦🇹🇼👍🏽"
PARCEL: dict[str, Any] = {
    "name": "parcel",
    "use_case": "delivery",
    "parameters": {"name": {"type": "text", "example": "王小明", "max": 1000}},
    "languages": ["zh-Hant"],
    "flexible": [{"type": "text", "text": "{{name}} 您好，您的包裹已送達門市。"}],
    "sms": "{{name}} 您好，您的包裹已送達門市。若已取件，請忽略此訊息。",
}


def line(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, "wrap": True, **more}


def flex(*contents: Any, **bubble: Any) -> dict[str, Any]:
    body = {"type": "box", "layout": "vertical", "contents": list(contents)}
    shown = {"type": "bubble", "body": body, **bubble}
    return {"type": "flex", "altText": "A parcel for you", "contents": shown}


def link(label: str, uri: str = "https://parcel.example/t/1") -> dict[str, Any]:
    return {"type": "button", "action": {"type": "uri", "label": label, "uri": uri}, "style": "primary"}


def crowded() -> dict[str, Any]:
    """All that is hard: 15 items, words without an end, three scripts, emoji, a picture, a carousel, quick replies."""
    items = [{"itemKey": f"example_item_{n}", "content": f"{n} {LONG if n == 3 else HAN}"} for n in range(15)]
    hero = {
        "type": "image",
        "url": "https://elsewhere.example/hero.png",
        "size": "full",
        "aspectRatio": "20:9",
    }
    bubbles = [{**flex(line(f"{n} {STACKED}"))["contents"], "size": "kilo"} for n in range(4)]
    reply = {"type": "action", "action": {"type": "message", "label": "OK", "text": "OK"}}
    return {
        "name": "crowded",
        "use_case": "delivery",
        "languages": ["zh-Hant", "th", "ja", "en"],
        "parameters": {"name": {"type": "text", "example": f"{HAN}{EMOJI}{STACKED}", "max": 300}},
        "line_template": {
            "templateKey": "example_parcel_tw",
            "body": {
                "emphasizedItem": {"itemKey": "example_day", "content": "2026年8月10日(土)"},
                "items": items,
                "buttons": [{"buttonKey": "example_track", "url": "https://parcel.example/" + "a" * 200}],
            },
        },
        "push": [
            {"type": "text", "text": f"{{{{name}}}} {LONG} https://parcel.example/{'b' * 120}"},
            flex(line(f"{{{{name}}}} {LONG}", size="xl", weight="bold"), link("查詢包裹進度"), hero=hero),
            {
                "type": "flex",
                "altText": LONG,
                "contents": {"type": "carousel", "contents": bubbles},
                "quickReply": {"items": [reply] * 10},
            },
        ],
        "sms": f"{{{{name}}}} {LONG} {STACKED}",
    }
