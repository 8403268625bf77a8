"""The file of the keys that codes derive from: made if missing, rotated, and never half written."""

import logging
import os
import stat
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.builders import T0, minutes, seconds

from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.services.otp_keys import (
    KeyFile,
    OtpKeyError,
    add,
    load_keys,
    promote,
    rotate,
)

_KEPT = 12


@dataclass
class Entropy:
    """Bytes of which no two pieces are alike; `made` are all that were asked for."""

    made: list[bytes] = field(default_factory=list)

    def __call__(self, size: int) -> bytes:
        self.made.append(bytes([len(self.made) + 1]) * size)
        return self.made[-1]


@pytest.fixture
def entropy() -> Entropy:
    return Entropy()


def current_key(keys: OtpKeys) -> bytes:
    key = keys.get(keys.current)
    assert key is not None
    return key


def no_entropy(size: int) -> bytes:
    raise AssertionError("a key was made")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "otp-keys"


def a_line(key_id: str, byte: int, size: int = 32) -> str:
    return f"{key_id} {b64encode(bytes([byte]) * size).decode()}"


def ids_in(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line.split()[0] for line in lines if not line.startswith("#")]


# Where keys come from


def test_a_file_that_is_missing_is_made_with_one_key_and_its_folder(
    path: Path, entropy: Entropy
) -> None:
    keys = load_keys(path, "", entropy)
    assert len(current_key(keys)) == 32
    assert current_key(keys) in entropy.made
    assert ids_in(path) == [keys.current]


def test_the_file_is_for_its_user_alone_and_says_what_it_is(path: Path, entropy: Entropy) -> None:
    load_keys(path, "", entropy)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("# Keys of one-time passwords")


def test_the_file_is_read_again_and_not_written_again(path: Path, entropy: Entropy) -> None:
    first = load_keys(path, "", entropy)
    before = path.read_bytes()
    again = load_keys(path, "", no_entropy)
    assert (again.current, current_key(again)) == (first.current, current_key(first))
    assert path.read_bytes() == before


def test_the_first_key_of_a_file_is_the_current_one_and_all_are_known(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(f"# mine\n\n{a_line('new', 1)}\n{a_line('old', 2, 48)}\n")
    keys = load_keys(path, "", no_entropy)
    assert keys.current == "new"
    assert (keys.get("old"), keys.get("other")) == (b"\x02" * 48, None)


def test_keys_of_the_settings_go_before_the_file_which_is_left_alone(path: Path) -> None:
    keys = load_keys(path, f"{a_line('a', 1)},{a_line('b', 2)}", no_entropy)
    assert (keys.current, keys.get("b")) == ("a", b"\x02" * 32)
    assert not path.exists()


def test_without_file_and_setting_there_is_a_key_until_the_process_ends(entropy: Entropy) -> None:
    first, other = load_keys(None, "", entropy), load_keys(None, "", entropy)
    assert current_key(first) != current_key(other)
    assert {current_key(first), current_key(other)} <= set(entropy.made)


def test_a_key_made_in_place_of_a_lost_one_is_not_taken_for_it(
    path: Path, entropy: Entropy
) -> None:
    lost = load_keys(path, "", entropy)
    path.unlink()
    found = load_keys(path, "", entropy)
    # Verifications remember their key by its id.
    assert found.get(lost.current) in (None, current_key(lost))


# What is wrong with them


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "there is no key"),
        ("# nothing but words\n", "there is no key"),
        (a_line("UPPER", 1), "line 1: the id is not"),
        ("first", "line 1: is not an id"),
        ("first not-base64!", "line 1: the key is not base64"),
        (a_line("first", 1, 31), "line 1: the key has less than 32 bytes"),
        (f"{a_line('a', 1)}\n{a_line('a', 2)}", "line 2: has the id of an earlier line"),
    ],
)
def test_a_file_that_is_wrong_is_an_error_that_names_it_and_the_line(
    path: Path, text: str, fault: str
) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(OtpKeyError, match=fault) as raised:
        load_keys(path, "", no_entropy)
    assert str(path) in str(raised.value)
    assert path.read_text() == text


def test_what_is_wrong_with_the_setting_names_the_setting() -> None:
    with pytest.raises(OtpKeyError, match="the setting otp_keys: line 1"):
        load_keys(None, "nonsense", no_entropy)


def test_an_error_never_tells_a_key(path: Path) -> None:
    path.parent.mkdir()
    # The id and the key in the wrong order, and a key that is cut short.
    secret = b64encode(b"\x07" * 32).decode()
    for text in (f"{secret} first", f"first {secret[:-3]}", f"first second {secret}", secret):
        path.write_text(text)
        with pytest.raises(OtpKeyError) as raised:
            load_keys(path, "", no_entropy)
        assert secret[:8] not in str(raised.value)


def test_an_error_of_a_file_that_is_not_text_holds_nothing_of_it(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"first " + b"\xff\xfe" * 40)
    with pytest.raises(OtpKeyError, match="it is not text") as raised:
        load_keys(path, "", no_entropy)
    assert raised.value.__cause__ is None
    assert "\\xff" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_an_error_for_the_operator(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(OtpKeyError, match="cannot use the keys in"):
        load_keys(path, "", no_entropy)


def test_a_folder_that_cannot_be_made_is_an_error_for_the_operator(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OtpKeyError, match="cannot use the keys in"):
        load_keys(tmp_path / "file" / "otp-keys", "", no_entropy)


# Rotation


def test_rotation_puts_a_new_key_in_front_and_keeps_the_others(
    path: Path, entropy: Entropy
) -> None:
    before = load_keys(path, "", entropy)
    rotated = rotate(path, T0, entropy)
    read = load_keys(path, "", no_entropy)
    for keys in (rotated, read):
        assert keys.current != before.current
        assert current_key(keys) in entropy.made
        assert current_key(keys) != current_key(before)
        assert keys.get(before.current) == current_key(before)
    assert ids_in(path) == [read.current, before.current]


def test_the_rotated_file_is_for_its_user_alone_and_nothing_lies_beside_it(
    path: Path, entropy: Entropy
) -> None:
    load_keys(path, "", entropy)
    rotate(path, T0, entropy)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_many_rotations_keep_the_newest_few_keys(path: Path, entropy: Entropy) -> None:
    load_keys(path, "", entropy)
    made = [rotate(path, T0 + minutes(n), entropy).current for n in range(20)]
    assert ids_in(path) == made[::-1][:_KEPT]


def test_a_rotation_a_minute_keeps_every_key_that_a_code_can_still_need(
    path: Path, entropy: Entropy
) -> None:
    load_keys(path, "", entropy)
    made = [(T0 + minutes(n), rotate(path, T0 + minutes(n), entropy).current) for n in range(30)]
    last, _ = made[-1]
    keys = load_keys(path, "", no_entropy)
    # A code that was made with a key just before the next one came lives for ten minutes more.
    needed = [key_id for time, key_id in made if time + minutes(1) + minutes(10) > last]
    assert all(keys.get(key_id) for key_id in needed)


def test_two_rotations_in_one_second_lose_no_key(path: Path, entropy: Entropy) -> None:
    before = load_keys(path, "", entropy)
    first = rotate(path, T0, entropy)
    try:
        rotate(path, T0 + seconds(0.5), entropy)
    except OtpKeyError:
        # Refusing is as good, if the file is as it was.
        assert ids_in(path)[0] == first.current
    keys = load_keys(path, "", no_entropy)
    assert keys.get(first.current) == current_key(first)
    assert keys.get(before.current) == current_key(before)


def test_a_rotation_of_a_file_that_is_wrong_leaves_it_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("first")
    with pytest.raises(OtpKeyError):
        rotate(path, T0, no_entropy)
    assert path.read_text() == "first"
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_a_rotation_that_is_cut_off_leaves_the_keys_as_they_were(
    path: Path, entropy: Entropy
) -> None:
    load_keys(path, "", entropy)
    before = path.read_bytes()

    def broken(size: int) -> bytes:
        raise OSError("no entropy")

    with pytest.raises(OSError, match="no entropy"):
        rotate(path, T0, broken)
    assert path.read_bytes() == before


def test_what_was_left_by_a_rotation_that_was_cut_off_is_no_hindrance(
    path: Path, entropy: Entropy
) -> None:
    load_keys(path, "", entropy)
    path.with_name(path.name + ".new").write_text("half a")
    rotated = rotate(path, T0, entropy)
    assert load_keys(path, "", no_entropy).current == rotated.current


def test_a_rotation_keeps_keys_with_odd_spacing(path: Path, entropy: Entropy) -> None:
    path.parent.mkdir()
    path.write_text(f"\n  # a word\n  {a_line('a', 8)}  \n\t{a_line('b', 9)}\n")
    rotate(path, T0, entropy)
    keys = load_keys(path, "", no_entropy)
    assert (keys.get("a"), keys.get("b")) == (b"\x08" * 32, b"\x09" * 32)


def test_printing_the_keys_shows_no_key(path: Path, entropy: Entropy) -> None:
    keys = load_keys(path, "", entropy)
    assert repr(keys) == f"OtpKeys({keys.current})"


# A key that is known before it is used


def test_a_key_that_is_added_is_known_and_makes_no_codes_until_it_is_promoted(
    path: Path, entropy: Entropy
) -> None:
    before = load_keys(path, "", entropy)
    added = add(path, T0, entropy)
    keys = load_keys(path, "", no_entropy)
    assert (keys.current, keys.ids) == (before.current, (before.current, added))
    assert keys.get(added) == entropy.made[-1]
    promoted = promote(path, added)
    keys = load_keys(path, "", no_entropy)
    assert promoted.ids == keys.ids == (added, before.current)
    assert keys.get(before.current) == current_key(before)


def test_a_key_that_is_promoted_again_stays_where_it_is(path: Path, entropy: Entropy) -> None:
    load_keys(path, "", entropy)
    added = add(path, T0, entropy)
    assert promote(path, added).ids == promote(path, added).ids
    assert ids_in(path)[0] == added


def test_only_a_key_of_the_file_can_be_promoted(path: Path, entropy: Entropy) -> None:
    load_keys(path, "", entropy)
    before = path.read_bytes()
    with pytest.raises(OtpKeyError, match=r"no key in .* has this id"):
        promote(path, "k1")
    assert path.read_bytes() == before


def test_adding_many_keys_keeps_the_current_one_and_the_newest_few(
    path: Path, entropy: Entropy
) -> None:
    current = load_keys(path, "", entropy).current
    made = [add(path, T0 + minutes(n), entropy) for n in range(20)]
    assert ids_in(path) == [current, *made[::-1][: _KEPT - 1]]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_root_changes_stays_its_owners(path: Path, entropy: Entropy) -> None:
    load_keys(path, "", entropy)
    os.chown(path, 12345, 23456)
    rotate(path, T0, entropy)
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (12345, 23456)


# A file that changes while it is used


def a_file(path: Path, *ids: str) -> None:
    """A file with these keys; the key of an id is always the same."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(a_line(key_id, key_id.encode()[0]) + "\n" for key_id in ids))


def watched(path: Path) -> tuple[OtpKeys, KeyFile]:
    keys = load_keys(path, "", no_entropy)
    file = KeyFile(path, keys)
    file.look()
    file.look()
    return keys, file


def test_a_file_that_has_changed_is_taken_up_once_it_stays_as_it_is(path: Path) -> None:
    a_file(path, "a")
    keys, file = watched(path)
    a_file(path, "b")  # as far as it is copied by now
    file.look()
    assert keys.ids == ("a",)
    a_file(path, "b", "a")
    file.look()
    assert keys.ids == ("a",)
    file.look()
    assert (keys.current, keys.ids) == ("b", ("b", "a"))
    assert keys.get("b") == b"b" * 32


def test_what_is_written_before_the_first_look_is_taken_up(path: Path) -> None:
    a_file(path, "a")
    keys = load_keys(path, "", no_entropy)
    a_file(path, "b", "a")
    file = KeyFile(path, keys)
    file.look()
    file.look()
    assert keys.current == "b"


@pytest.mark.parametrize("content", ["", "# nothing\n", "b\n", "a AAAA\n", None])
def test_a_file_that_is_wrong_or_gone_changes_nothing_and_is_told_once(
    path: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    a_file(path, "a")
    keys, file = watched(path)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            file.look()
    assert (keys.ids, keys.get("a")) == (("a",), b"a" * 32)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "stay as they were" in record.getMessage()
    a_file(path, "b")
    for _ in range(2):
        file.look()
    assert keys.ids == ("b",)


def test_keys_that_are_taken_up_are_told_by_their_ids_alone(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    a_file(path, "a")
    with caplog.at_level(logging.INFO):
        _, file = watched(path)
        assert not caplog.records
        a_file(path, "b", "a")
        for _ in range(5):
            file.look()
    (record,) = caplog.records
    assert record.getMessage() == "the keys of one-time passwords are now: b, a"
