"""Templates as files, without a gateway: what YAML is read as, every fault with its line, files written back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from todoke.cli.files import MOST_BYTES, Fault, read_all
from todoke.cli.template_files import Channels, change_of, in_order, read_templates, write_back
from todoke.cli.yaml_text import BadYaml, read, write

GOOD = "name: {name}\nchannel: Parcels\nuse_case: delivery\nsms: hello\n"
CHANNELS = Channels([{"id": "01C", "name": "Parcels", "region": "TW"}])


def test_yaml_has_the_values_that_people_mean() -> None:
    text = "a: 14:30\nb: no\nc: 2026-08-10\nd: 0912345678\ne: 1.5\nf: ~\ng: true\nh:\ni: -12\n"
    text += "j: '5'\nk: 1_000\nl: 0x1f\n"
    meant = {"a": "14:30", "b": "no", "c": "2026-08-10", "d": "0912345678", "e": 1.5, "f": None, "g": True, "h": None,
             "i": -12, "j": "5", "k": "1_000", "l": "0x1f"}  # fmt: skip
    assert read(text)[0] == meant
    value, lines = read("a: &row {x: 1}\nb:\n  - *row\n  - <<: *row\n    y/z: 2\n")
    assert value == {"a": {"x": 1}, "b": [{"x": 1}, {"x": 1, "y/z": 2}]}
    assert (lines["/a/x"], lines["/b/1/y~1z"]) == (1, 5)


def test_yaml_that_would_break_something_is_refused_with_its_line() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for last, this in zip("abcde", "bcdef", strict=True):
        bomb += f"{this}: &{this} [{', '.join([f'*{last}'] * 10)}]\n"
    table: list[tuple[str, int | None, str]] = [
        (bomb, None, "more than 20,000 parts"),
        ("a: &a [*a]", 1, "nested deeper than 100"),
        ("[" * 50_000, 1, "nested deeper than 100"),
        ("- " * 50_000, 1, "nested deeper than 100"),
        ("a: 1\nb: 2\na: 3", 3, "'a' stands here twice"),
        ("a: !!python/object/apply:os.system [x]", 1, "tag"),
        ("a: b: c", 1, "no YAML"),
        ("--- 1\n--- 2", 2, "single document"),
        ("a: \x00", None, "no YAML"),
        ("a:\n\t- b", 2, "no YAML"),
        ("a: *b", 1, "undefined alias"),
    ]
    for text, line, words in table:
        with pytest.raises(BadYaml, match=words) as error:
            read(text)
        assert error.value.line == line, text[:40]


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.text("王a0:-#'\"{}[]\n .,~!&*%@|>?ก😀", max_size=12)
)
TEXTS = st.sampled_from(
    ["14:30", "no", "yes", "2026-08-10", "0912", "1e3", "~", "null", "", " ", "a\nb\n", "<<", "=", "off"]
)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        LEAVES | TEXTS,
        lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXTS | st.text("ab", min_size=1), x, max_size=3),
    )
)
def test_what_is_written_is_read_as_the_same(value: Any) -> None:
    assert read(write({"x": value}))[0] == {"x": value}


def faults_of(folder: Path) -> list[str]:
    """Each fault as file, line, pointer and message, sorted."""
    _, faults = read_templates(folder, None, CHANNELS)
    return sorted(str(fault).replace(str(folder) + "/", "") for fault in faults)


def test_every_fault_of_a_folder_is_told_with_file_line_and_place(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config.yaml").write_text("{")
    (tmp_path / "notes.txt").write_text("{")
    files = {
        "good.yaml": GOOD.format(name="a"),
        "deep/good.json": json.dumps({"name": "b", "channel": "01C", "use_case": "delivery", "sms": "x"}, indent=2),
        "deep/same.yml": GOOD.format(name="a"),
        "key.yaml": GOOD.format(name="c") + "smss: x\n",
        "parameter.yaml": GOOD.format(name="d") + "parameters:\n  who: {type: text, example: x,\n    colour: red}\n",
        "variant.yaml": GOOD.format(name="e") + "languages:\n  th:\n    sms: x\n    name: y\n",
        "override.yaml": GOOD.format(name="f").replace("hello", '"a\\u202eb"'),
        "channel.yaml": GOOD.format(name="g").replace("Parcels", "Others"),
        "nameless.json": '{\n  "channel": "Parcels",\n  "use_case": "delivery",\n  "sms": "x"\n}',
        "none.yaml": "name: h\nuse_case: delivery\nsms: x\n",
        "slash.yaml": GOOD.format(name="a/b"),
        "own.yaml": GOOD.format(name="i") + "languages: {zh-TW: {sms: x}}\n",
        "list.yaml": "- 1\n",
        "empty.yaml": "",
        "broken.json": '{\n  "name": }',
        "nan.json": '{"name": NaN}',
        "twice.json": '{"name": "a",\n "name": "b"}',
        "flex.yaml": GOOD.format(name="j")
        + "flexible:\n  - type: flex\n    altText: x\n    contents:\n      type: bubble\n",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "latin.yaml").write_bytes("name: Grüße".encode("latin-1"))
    (tmp_path / "large.yaml").write_text("x: " + "y" * MOST_BYTES)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "good.yaml")
    (tmp_path / "links").symlink_to(tmp_path / "deep")
    os.mkfifo(tmp_path / "pipe.yaml")
    kept, _ = read_templates(tmp_path, None, CHANNELS)
    assert sorted(spec["name"] for _, spec in kept) == ["a", "b"]
    expected = [
        "broken.json:2: This is no JSON",
        "channel.yaml:2: /channel: There is no channel 'Others'",
        "empty.yaml:1: This holds no object",
        "flex.yaml:8: /flexible/0/contents: A bubble needs one of",
        "good.yaml:1: /name: ",
        "key.yaml:5: /smss: There is no field 'smss' here",
        "large.yaml: This is larger than 300,000 bytes",
        "latin.yaml: This is not in UTF-8",
        "link.yaml: This is a symbolic link",
        "links: This is a symbolic link",
        "list.yaml:1: This holds no object",
        "nameless.json:1: /name: A template needs a name",
        "nan.json: This is no JSON: NaN is no number",
        "none.yaml:1: /channel: The template names no channel",
        "override.yaml:4: /sms: The text holds a mark that turns the order",
        "own.yaml:5: /languages/zh-Hant: zh-Hant is what a template",
        "parameter.yaml:6: /parameters/who: A parameter has no field 'colour'",
        "pipe.yaml: This is no plain file",
        "slash.yaml:1: /name: A template needs a name of 1 to 100 characters, without a slash",
        "twice.json:2: 'name' stands here twice",
        "variant.yaml:8: /languages/th/name: There is no field 'name' here",
    ]
    found = faults_of(tmp_path)
    assert [(line[: len(start)]) for line, start in zip(found, expected, strict=True)] == expected


def test_a_folder_without_files_and_a_link_that_is_named_are_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(typer.Exit):
        read_all(tmp_path)
    (tmp_path / "a.yaml").write_text(GOOD.format(name="a"))
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    assert [each.value["name"] for each in read_all(tmp_path / "b.yaml")[0]] == ["a"]
    [fault] = read_all(tmp_path / "nothing.yaml")[1]
    assert isinstance(fault, Fault)
    assert "can't be read (No such file or directory)" in str(fault)


STORED: dict[str, Any] = {
    "id": "01T", "version": 3, "channel": "01C", "name": "a/../b: 王", "use_case": "delivery", "sms": "x\ny",
    "languages": {"th": {"sms": "ก"}}, "parameters": {"at": {"type": "time", "example": "14:30"}},
    "created_at": "2026-08-10T00:00:00Z", "flagged_why": None, "review": "draft",
}  # fmt: skip


def test_what_is_written_back_is_stable_and_reads_as_what_is_stored(tmp_path: Path) -> None:
    other = {**STORED, "name": "A.. b- 王"}
    [(first, _, _), (second, _, _)] = write_back(tmp_path, [STORED, other], CHANNELS)
    assert {first.parent, second.parent} == {tmp_path}
    assert first.read_text(encoding="utf-8") == (
        "name: 'a/../b: 王'\nchannel: Parcels\nuse_case: delivery\nparameters:\n  at: {type: time, example: '14:30'}\n"
        "sms: |-\n  x\n  y\nlanguages:\n  th:\n    sms: ก\n"
    )
    kept, faults = read_all(tmp_path)
    assert not faults
    assert [each.value for each in kept if each.path == first] == [in_order(STORED, CHANNELS)]

    # A file keeps its place, its kind and, where nothing changed, its own way of saying it.
    (tmp_path / "kept").mkdir()
    first.unlink()
    mine = tmp_path / "kept" / "mine.yaml"
    said = "# ours\n" + write({**in_order(STORED, CHANNELS), "channel": "01C"})
    mine.write_text(said, encoding="utf-8")
    assert write_back(tmp_path, [STORED], CHANNELS) == [(mine, STORED["name"], "unchanged")]
    assert mine.read_text(encoding="utf-8") == said
    [change] = [change_of(x, x.value, STORED, CHANNELS) for x in read_all(mine)[0]]
    assert (change.action, change.version, change.diff) == ("unchanged", 3, "")
    as_json = tmp_path / "kept" / "mine.json"
    mine.unlink()
    as_json.write_text(json.dumps({"name": STORED["name"], "sms": "before"}))
    assert write_back(tmp_path, [STORED], CHANNELS) == [(as_json, STORED["name"], "changed")]
    assert json.loads(as_json.read_text(encoding="utf-8")) == in_order(STORED, CHANNELS)


def test_any_name_of_a_template_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    names = {
        "..": "template", "CON": "_CON", "nul.x": "_nul.x", "แจ้งพัสดุถึง": "แจ้งพัสดุถึง", "A": "A", "a": "a-2",
        "straße": "straße", "STRASSE": "STRASSE-2", "é": "é", "e\u0301": "é-2", "a:b\\c": "a-b-c", "a-b-c": "a-b-c-2",
        "\U00020000" * 100: "\U00020000" * 37, "-rf .": "rf", "../x": "x-2",
    }  # fmt: skip
    (tmp_path / "x.yaml").write_text(GOOD.format(name="other"))
    done = write_back(tmp_path, [{**STORED, "name": name} for name in names], CHANNELS)
    assert [path.name for path, _, _ in done] == [f"{stem}.yaml" for stem in names.values()]
    assert all(path.parent == tmp_path for path, _, _ in done)
    again = write_back(tmp_path, [{**STORED, "name": name} for name in names], CHANNELS)
    assert {what for _, _, what in again} == {"unchanged"}
    with pytest.raises(typer.Exit):
        write_back(done[0][0] / "x", [STORED], CHANNELS)


def test_long_names_of_fields_do_not_fill_the_memory() -> None:
    for text in (
        '? "' + "k" * 200_000 + '"\n: [' + "x," * 15_000 + "x]",
        "".join(f"{' ' * n}{'k' * 900}{n}:\n" for n in range(90)) + " " * 90 + "[" + "x," * 15_000 + "x]",
    ):
        _, lines = read(text)
        assert sum(map(len, lines)) < 60_000_000
