"""Message objects in the form of the examples of LINE's Messaging API reference, one of every type, and what
it takes to spoil one of them in one place.
"""

from __future__ import annotations

import json
import re
from typing import Any

from line_emulator.world import messages, problems
from line_emulator.world.limits import Faults, WrongType

URL = "https://example.com/image.jpg"
AREA = {"x": 0, "y": 586, "width": 520, "height": 454}
POSTBACK = {"type": "postback", "label": "Buy", "data": "action=buy&itemid=111"}
LINK = {"type": "uri", "label": "View detail", "uri": "http://example.com/page/123"}
SAY = {"type": "message", "label": "Yes", "text": "yes"}
COLUMN = {
    "thumbnailImageUrl": URL,
    "imageBackgroundColor": "#FFFFFF",
    "title": "this is a menu",
    "text": "description",
    "defaultAction": LINK,
    "actions": [POSTBACK, LINK],
}
PICKER = {
    "type": "datetimepicker",
    "label": "Select date",
    "data": "storeId=12345",
    "mode": "datetime",
    "initial": "2017-12-25t00:00",
    "max": "2018-01-24t23:59",
    "min": "2017-12-25T00:00",
}


def template(**values: Any) -> dict[str, Any]:
    """A template message."""
    return {"type": "template", "altText": "this is a template", "template": values}


def flex(**values: Any) -> dict[str, Any]:
    """A Flex Message."""
    return {"type": "flex", "altText": "this is a flex message", "contents": values}


def box(*contents: Any, **values: Any) -> dict[str, Any]:
    """A vertical box."""
    return {"type": "box", "layout": "vertical", "contents": list(contents), **values}


def body_of(*contents: Any, **values: Any) -> dict[str, Any]:
    """A Flex Message of one bubble with these components in its body."""
    return flex(type="bubble", body=box(*contents), **values)


TEXT = {"type": "text", "text": "Hello, World!"}
BUBBLE = {"type": "bubble", "size": "mega", "body": box(TEXT)}
COMPONENTS: dict[str, dict[str, Any]] = {
    "box": box(
        TEXT,
        flex=1,
        spacing="md",
        margin="10px",
        position="relative",
        offsetTop="-5px",
        offsetStart="5%",
        backgroundColor="#00000080",
        borderColor="#ff0000",
        borderWidth="semi-bold",
        cornerRadius="23.5px",
        width="50%",
        maxWidth="300px",
        height="30px",
        maxHeight="100%",
        paddingAll="xxl",
        paddingTop="5.5%",
        justifyContent="space-evenly",
        alignItems="flex-end",
        action=LINK,
        background={
            "type": "linearGradient",
            "angle": "359.9deg",
            "startColor": "#FFFF00",
            "endColor": "#0080ff",
            "centerColor": "#00000000",
            "centerPosition": "10.5%",
        },
    ),
    "button": {
        "type": "button",
        "action": {"type": "uri", "label": "Tap me", "uri": "https://example.com"},
        "style": "primary",
        "color": "#0000ff",
        "height": "sm",
        "gravity": "center",
        "flex": 0,
        "margin": "none",
        "adjustMode": "shrink-to-fit",
        "scaling": True,
    },
    "image": {
        "type": "image",
        "url": URL,
        "size": "full",
        "aspectRatio": "1.91:1",
        "aspectMode": "cover",
        "align": "start",
        "gravity": "top",
        "backgroundColor": "#ffffff",
        "animated": True,
        "action": SAY,
    },
    "icon": {"type": "icon", "url": URL, "size": "lg", "aspectRatio": "1.91:1", "scaling": False},
    "text": {
        "type": "text",
        "text": "Hello, World!",
        "size": "23.5px",
        "weight": "bold",
        "color": "#0000ff",
        "style": "italic",
        "decoration": "line-through",
        "wrap": True,
        "lineSpacing": "20px",
        "maxLines": 0,
        "align": "center",
        "action": POSTBACK,
    },
    "span": {
        "type": "text",
        "contents": [
            {
                "type": "span",
                "text": "蛙",
                "size": "xxl",
                "weight": "bold",
                "style": "italic",
                "color": "#4f8f00",
            }
        ],
    },
    "separator": {"type": "separator", "margin": "xs", "color": "#000000"},
    "filler": {"type": "filler", "flex": 2},
}
ACTIONS: dict[str, dict[str, Any]] = {
    "postback": {
        **POSTBACK,
        "displayText": "Buy",
        "inputOption": "openKeyboard",
        "fillInText": "---\nName: \nPhone: \n---",
    },
    "message": SAY,
    "uri": {**LINK, "altUri": {"desktop": "line://nv/chat"}},
    "datetimepicker": PICKER,
    "clipboard": {"type": "clipboard", "label": "Copy", "clipboardText": "3B48740B"},
    "camera": {"type": "camera", "label": "Camera"},
    "cameraRoll": {"type": "cameraRoll", "label": "Camera roll"},
    "location": {"type": "location", "label": "Location"},
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "text": {
        "type": "text",
        "text": "$ LINE emoji \N{GRINNING FACE}$",
        "emojis": [
            {"index": 0, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"},
            {"index": 15, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "002"},
        ],
        "quoteToken": "yHAz4Ua2wx7",
        "sender": {"name": "Cony", "iconUrl": URL},
        "quickReply": {
            "items": [{"type": "action", "imageUrl": URL, "action": action} for action in ACTIONS.values()]
        },
    },
    "textV2": {
        "type": "textV2",
        "text": "Welcome, {user1}! {laugh}\n{everyone} {{there}} is a newcomer!",
        "substitution": {
            "user1": {"type": "mention", "mentionee": {"type": "user", "userId": "U49585cd0d5"}},
            "laugh": {"type": "emoji", "productId": "5a8555cfe6256cc92ea23c2a", "emojiId": "002"},
            "everyone": {"type": "mention", "mentionee": {"type": "all"}},
        },
    },
    "sticker": {"type": "sticker", "packageId": "446", "stickerId": "1988", "quoteToken": "yHAz"},
    "image": {"type": "image", "originalContentUrl": URL, "previewImageUrl": URL},
    "video": {
        "type": "video",
        "originalContentUrl": "https://example.com/original.mp4",
        "previewImageUrl": URL,
        "trackingId": "track-id",
    },
    "audio": {"type": "audio", "originalContentUrl": "https://example.com/original.m4a", "duration": 60000},
    "location": {
        "type": "location",
        "title": "my location",
        "address": "1-3 Kioicho, Chiyoda-ku, Tokyo",
        "latitude": 35.67966,
        "longitude": 139,
    },
    "coupon": {"type": "coupon", "couponId": "01JYNW8JMQVFBNWF1APF8Z3FS7", "deliveryTag": "2025_winter"},
    "imagemap": {
        "type": "imagemap",
        "baseUrl": "https://example.com/bot/images/rm001",
        "altText": "This is an imagemap",
        "baseSize": {"width": 1040, "height": 1040},
        "video": {
            "originalContentUrl": "https://example.com/video.mp4",
            "previewImageUrl": URL,
            "area": AREA,
            "externalLink": {"linkUri": "https://example.com/see_more.html", "label": "See More"},
        },
        "actions": [
            {"type": "uri", "linkUri": "https://example.com/", "label": "go", "area": AREA},
            {"type": "message", "text": "Hello", "label": "say", "area": AREA},
            {"type": "clipboard", "clipboardText": "3B48740B", "label": "copy", "area": AREA},
        ],
    },
    "buttons": template(
        type="buttons",
        thumbnailImageUrl=URL,
        imageAspectRatio="rectangle",
        imageSize="cover",
        imageBackgroundColor="#FFFFFF",
        title="Menu",
        text="Please select",
        defaultAction=LINK,
        actions=[POSTBACK, LINK, SAY, PICKER],
    ),
    "confirm": template(type="confirm", text="Are you sure?", actions=[SAY, {**SAY, "label": "No"}]),
    "carousel": template(
        type="carousel", columns=[COLUMN, COLUMN], imageAspectRatio="square", imageSize="contain"
    ),
    "image_carousel": template(
        type="image_carousel",
        columns=[{"imageUrl": URL, "action": POSTBACK}, {"imageUrl": URL, "action": LINK}],
    ),
    "bubble": flex(
        type="bubble",
        size="giga",
        direction="rtl",
        header=box(TEXT),
        hero={"type": "image", "url": URL},
        body=box(),
        footer=box(TEXT),
        styles={
            "header": {"backgroundColor": "#00ffff"},
            "hero": {"separator": True, "separatorColor": "#000000"},
        },
        action=LINK,
    ),
    "flex carousel": flex(type="carousel", contents=[BUBBLE, BUBBLE]),
    "flex video": flex(
        type="bubble",
        size="kilo",
        hero={
            "type": "video",
            "url": "https://example.com/video.mp4",
            "previewUrl": URL,
            "altContent": {"type": "image", "size": "full", "aspectRatio": "20:13", "url": URL},
            "aspectRatio": "20:13",
            "action": LINK,
        },
    ),
    "components": body_of(*(part for name, part in COMPONENTS.items() if name != "icon")),
    "baseline": body_of(box(COMPONENTS["icon"], TEXT, {"type": "filler"}, layout="baseline")),
}
ABSENT = object()
"""Stands for a property that is left out."""

_STEP = re.compile(r'(\w+)|\[(\d+)\]|\["(\w+)"\]')


def spoilt(example: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value in one place."""
    changed: Any = json.loads(json.dumps(example))  # no two places share an object
    steps: list[Any] = [int(n) if n else word or key for word, n, key in _STEP.findall(path)]
    holder = changed
    for step in steps[:-1]:
        holder = holder[step]
    if value is ABSENT:
        del holder[steps[-1]]
    else:
        holder[steps[-1]] = value
    return changed


def refusal(body: Any, allowed: messages.Allowed = messages.PUSH_TYPES) -> Any:
    """LINE's error body for the value of `messages`, None if it is fine."""
    faults: Faults = []
    try:
        messages.check({"messages": body}, allowed, faults)
    except WrongType as wrong:
        return json.loads(wrong.problem().body())
    return json.loads(problems.body_errors(faults).body()) if faults else None


def faults_of(message: Any, allowed: messages.Allowed = messages.PUSH_TYPES) -> list[tuple[str, str]]:
    """The faults of one message: text and place, the place as seen from the message."""
    error = refusal([message], allowed) or {"message": "The request body has 0 error(s)", "details": []}
    details = error["details"]
    assert error["message"] == f"The request body has {len(details)} error(s)"
    return [
        (detail["message"], detail["property"].removeprefix("messages[0]").removeprefix("."))
        for detail in details
    ]
