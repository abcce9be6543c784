"""Stickers, images, videos, sounds, places and coupons.

Source: Messaging API reference, "Sticker message", "Image message", "Video message", "Audio message",
"Location message", "Coupon message". What lies behind an address is never fetched.
"""

from __future__ import annotations

from line_emulator.world.messages.common import message
from line_emulator.world.messages.fields import LARGEST_INT64, anything, degrees, https, pattern, text, whole

STICKER = message("packageId stickerId", {"packageId": text(), "stickerId": text(), "quoteToken": anything})
IMAGE = message("originalContentUrl previewImageUrl", {"originalContentUrl": https, "previewImageUrl": https})
VIDEO = message(
    "originalContentUrl previewImageUrl",
    {
        "originalContentUrl": https,
        "previewImageUrl": https,
        "trackingId": pattern(r"[a-zA-Z0-9\-.=,+*()%$&;:@{}!?<>\[\]]+", 100),
    },
)
AUDIO = message(
    "originalContentUrl duration", {"originalContentUrl": https, "duration": whole(most=LARGEST_INT64)}
)
LOCATION = message(
    "title address latitude longitude",
    {"title": text(100), "address": text(100), "latitude": degrees(90), "longitude": degrees(180)},
)
COUPON = message("couponId", {"couponId": text(), "deliveryTag": pattern(r"[a-zA-Z0-9_]+", 30)})
