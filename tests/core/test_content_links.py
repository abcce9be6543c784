"""Addresses in contents: how they are found, and what is said of each."""

from __future__ import annotations

from todoke.core.content.links import AllowedDomain, LinkCheck
from todoke.rules.checks import load_data

ALLOWED = (
    AllowedDomain("shop.example"),
    AllowedDomain("bank.example.tw", ("bill",)),
    # As settings keep it: 例え.example.
    AllowedDomain("xn--r8jz45g.example"),
)
HOLE = "\ue000"

WITHOUT_A_LIST: dict[str, set[str]] = {
    # Plain ones: the page about just this.
    "查詢 https://shop.example/orders/17?x=1。": set(),
    "配送状況はhttps://shop.example/t/17をご覧ください": set(),
    "ดูที่ https://shop.example/t/17 ครับ": set(),
    f"https://shop.example/t/{HOLE}?n={HOLE}": set(),
    "https://liff.line.me/1234567890-AbcdEfgh": set(),
    "line://app/1234-abcd": set(),
    # What is no address.
    "v1.2.3 於 3.5 折... 12.30 Mr.Wang e.g.this": set(),
    "信箱 service@shop.com.tw": set(),
    "感謝您使用 Booking.com 訂房": set(),
    # Hidden, or not what it seems.
    "http://shop.example/t/17": {"link-not-https"},
    "shop.com/t/17": {"link-no-scheme"},
    "https://line.me@evil.example/x": {"link-user-info"},
    "https:/\\evil.example/x": {"link-user-info"},
    "https://203.0.113.7/x": {"link-ip"},
    "https://3405803783/x": {"link-ip"},
    "https://0xcb007107/x": {"link-ip"},
    "https://[2001:db8::1]/x": {"link-ip"},
    "https://xn--pple-43d.com/x": {"link-lookalike"},
    "https://\u0430pple.com/x": {"link-lookalike"},
    "javascript:alert(1)": {"link-scheme"},
    "intent://scan/#Intent;end": {"link-scheme"},
    f"https://{HOLE}.example/x": {"link-host-parameter"},
    f"https://shop{HOLE}": {"link-host-parameter"},
    # Shortened, however it is written.
    "https://bit.ly/3x": {"link-shortener"},
    "請點 reurl.cc/3x": {"link-shortener", "link-no-scheme"},
    "ｈｔｔｐｓ：／／ｐｓｅ．ｉｓ／３ｘ": {"link-shortener"},
    "https://bi\u200bt.ly/3x": {"link-shortener"},
    "BIT.LY/3x": {"link-shortener", "link-no-scheme"},
    "https://www.lihi1.cc/abc": {"link-shortener"},
    # About something else.
    "https://shop.example/": {"link-front-page"},
    "https://shop.example/zh-tw/": {"link-front-page"},
    "https://shop.example/coupon/17": {"link-campaign"},
    "https://shop.example/%E5%84%AA%E6%83%A0/17": {"link-campaign"},
    "https://shop.example/summer-sale-17": {"link-campaign-maybe"},
    "https://shop.example/wholesale/17": set(),
    "https://apps.apple.com/tw/app/id1": {"link-store"},
    "https://m.facebook.com/shop/1": {"link-social"},
    "https://netflix.com/t/1": set(),
    "https://line.me/R/ti/p/@shop": {"link-line"},
    "https://lin.ee/AbCd": {"link-line"},
    "https://shop.example/t/17?utm_campaign=x": {"link-tracking"},
    "tel:+886223456789": {"link-contact"},
    "mailto:a@shop.example": {"link-contact"},
    "tel:abc": {"link-scheme"},
    # As people write them behind a colon, and what leads on to somewhere else.
    "網址：bit.ly/3x": {"link-shortener", "link-no-scheme"},
    "Link:bit.ly/3x": {"link-shortener", "link-no-scheme"},
    "https:bit.ly/3x": {"link-shortener", "link-no-scheme"},
    "//bit.ly/3x": {"link-shortener", "link-no-scheme"},
    "https://shop.example/a/bit.ly/3x": set(),
    "https%3A%2F%2Fbit.ly%2F3x": {"link-shortener"},
    "https://shop.example/go?to=https%3A%2F%2Fbit.ly%2F3x": {"link-shortener"},
    "https://shop.example/go?to=https%253A%252F%252F203.0.113.7%252Fx": {"link-ip"},
    "https://shop.example/go?to=https%3A%2F%2Fpay.example%2Fx": set(),
}  # fmt: skip

WITH_A_LIST: dict[str, set[str]] = {
    "https://shop.example/t/17": set(),
    "https://www.shop.example/t/17": set(),
    "https://例え.example/t/17": set(),
    "https://xn--r8jz45g.example/t/17": set(),
    "https://shop.example/go?to=https%3A%2F%2Fwww.shop.example%2Fx": set(),
    "https://shop.example/go?to=https%3A%2F%2Fevil.example%2Fx": {"link-off-list"},
    "https://evilshop.example/t/17": {"link-off-list"},
    "https://shop.example.evil.com/t/17": {"link-off-list"},
    "https://sh0p.example/t/17": {"link-lookalike"},
    "https://sh\u043ep.example/t/17": {"link-lookalike"},
    "https://bank.example.tw/b/1": {"link-off-list"},
    "https://liff.line.me/1-a": set(),
    "https://bit.ly/3x": {"link-shortener"},
}


def _codes(check: LinkCheck, text: str, use_case: str | None = "delivery") -> set[str]:
    return {x.code for x in check.check(text, use_case=use_case, pointer="/sms")}


def test_every_address_is_judged_by_where_it_leads_and_by_how_plainly_it_says_so() -> None:
    check = LinkCheck(load_data().links)
    assert {text: _codes(check, text) for text in WITHOUT_A_LIST} == WITHOUT_A_LIST
    listed = LinkCheck(load_data().links, ALLOWED)
    assert {text: _codes(listed, text) for text in WITH_A_LIST} == WITH_A_LIST
    # A domain may be for some use cases only, and a front page may be what a use case is about.
    assert _codes(listed, "https://bank.example.tw/b/1", "bill") == set()
    assert _codes(check, "https://shop.example/", "contact_guidance") == set()


def test_a_finding_quotes_the_address_as_it_was_written() -> None:
    check = LinkCheck(load_data().links)
    (found,) = check.check("看 ｈｔｔｐｓ：／／ｂｉｔ．ｌｙ／３，謝謝", use_case=None, pointer="/text")
    assert (found.words, found.pointer) == ("ｈｔｔｐｓ：／／ｂｉｔ．ｌｙ／３", "/text")
    assert "Write the address in full" in found.remedy


def test_a_hostile_text_of_addresses_is_read_in_time_that_grows_with_its_length() -> None:
    check = LinkCheck(load_data().links)
    for text in (
        "https://" * 1200,
        "a." * 5000,
        "http:////" * 1000,
        "@" * 9000,
        "x.com/" * 1600,
        "%25" * 3000,
    ):
        assert len(check.check(text, use_case=None, pointer="")) <= 60
