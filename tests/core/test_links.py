"""Addresses that only we can have made."""

from hypothesis import given
from hypothesis import strategies as st

from todoke.ids import UlidIds, from_bytes
from todoke.links import TOKEN_LENGTH, Links, Page

LINKS = Links("a secret key of the tests", "https://shop.example.com/")
ids = st.binary(min_size=16, max_size=16).filter(lambda raw: raw[0] < 128).map(from_bytes)


@given(ids, st.sampled_from(Page))
def test_a_link_is_read_as_what_it_was_made_for(id: str, page: Page) -> None:
    token = LINKS.token(page, id)
    assert len(token) == TOKEN_LENGTH
    assert LINKS.read(page, token) == id
    assert LINKS.url(page, id) == f"https://shop.example.com/{page.value}/{token}"


@given(ids, st.integers(0, TOKEN_LENGTH - 1), st.characters())
def test_a_link_with_any_character_changed_is_not_ours(id: str, at: int, other: str) -> None:
    token = LINKS.token(Page.BIND, id)
    changed = token[:at] + other + token[at + 1 :]
    assert (LINKS.read(Page.BIND, changed) == id) is (changed == token)


@given(st.text(max_size=60))
def test_other_texts_are_no_links(text: str) -> None:
    assert LINKS.read(Page.BIND, text) is None


def test_a_link_of_one_page_or_of_another_key_is_not_good_for_another() -> None:
    token = LINKS.token(Page.BIND, UlidIds().new())
    assert LINKS.read(Page.UNBIND, token) is None
    assert Links("another secret key", "https://shop.example.com").read(Page.BIND, token) is None
