"""Codes, keys and what they derive from are nowhere but where they belong: a server does all that
it can do, at log level debug, and then every byte that it has written and said is searched.
"""

import asyncio
import hashlib
import json
import re
import socket
import sqlite3
import stat
import urllib.request
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.type.money_pb2 import Money
from tests.acceptance.accounts_setup import (
    READ,
    SEND,
    Caller,
    Operator,
    bearer,
    code_in,
    code_sent,
    eventually,
    texts_sent,
)
from tests.acceptance.reading import (
    FINAL,
    GUARD_SECONDS,
    Refusal,
    answer_or_refusal,
    next_response,
    opened,
)
from tests.acceptance.server_process import ServerProcess

from smsgate.v1 import account_service_pb2 as accounts
from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import otp_service_pb2 as otp

# What an ordinary message says: it must be found, where the others must not.
MARKER = "a marker that a search must find"
LANGUAGES = ("en", "it", "es", "fr", "de", "pt", "nl", "pl", "sv")
NUMERIC, ALPHANUMERIC = otp.CODE_ALPHABET_NUMERIC, otp.CODE_ALPHABET_ALPHANUMERIC

# A shorter code stands in a megabyte by chance: of those the text around them is looked for.
_LONG = 8
_NEIGHBOURS = 5
# Ids and times have groups of digits that can be the same as a short code.
_IDS_AND_TIMES = re.compile(
    rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+"
)


# Searching


def forms(secret: bytes) -> set[bytes]:
    """How a secret can be written down."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for skipped in range(3):
        # In base64 what comes before shifts it: only what no neighbour changes is looked for.
        for encode in (b64encode, urlsafe_b64encode):
            encoded = encode(b"\0" * skipped + secret + b"\0" * 3)
            inner = encoded[4 if skipped else 0 : (skipped + len(secret)) // 3 * 4]
            found.add(inner)
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return found
    return found | {text.encode("utf-16-le"), text.encode("utf-16-be")}


def digests(secret: str) -> set[bytes]:
    """What a short secret is found from in no time."""
    content = secret.encode()
    made = [
        *(hashlib.new(name, content).digest() for name in ("md5", "sha1", "sha256", "sha512")),
        *(hashlib.blake2b(content, digest_size=size).digest() for size in (8, 16, 32, 64)),
    ]
    return {form for each in made for form in (each, each.hex().encode(), b64encode(each)[:-2])}


def around(text: str, code: str) -> set[bytes]:
    """The code with its neighbours in a text, wherever it stands in it."""
    pieces = set()
    for found in re.finditer(re.escape(code), text):
        start = max(found.start() - _NEIGHBOURS, 0)
        piece = text[start : found.end() + _NEIGHBOURS]
        pieces |= {piece.encode(), piece.encode("utf-16-le"), json.dumps(piece)[1:-1].encode()}
    return pieces


Needles = Mapping[str, Iterable[bytes]]


def search(needles: Needles, places: Mapping[str, bytes]) -> list[str]:
    """Which of the needles is where."""
    return [
        f"{name} in {place}"
        for place, content in places.items()
        for name, written in needles.items()
        if any(form in content for form in written)
    ]


def words_of(content: bytes) -> set[bytes]:
    """The runs of letters and digits, but for those of ids and times."""
    return set(re.findall(rb"[0-9A-Za-z]+", _IDS_AND_TIMES.sub(b" ", content)))


def cells_of(database: Path) -> Iterator[bytes | int]:
    """Every value of every table, texts as their bytes."""
    with closing(sqlite3.connect(database)) as opened_database:
        tables = opened_database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for (table,) in tables.fetchall():
            for row in opened_database.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    if isinstance(value, str):
                        yield value.encode()
                    elif isinstance(value, bytes | int):
                        yield value


# All that a server can do


@dataclass
class Evidence:
    """What there is to hide, and where it could be."""

    folder: Path
    codes: dict[str, str] = field(default_factory=dict)
    """The code of each text that was sent, by its message's id."""
    texts: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    keys: list[Caller] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    """What callers were answered, but for refusals, which repeat what was asked."""
    files: dict[str, bytes] = field(default_factory=dict)
    metrics: bytes = b""
    log: list[str] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / "messages.db"

    @property
    def otp_file(self) -> Path:
        return self.folder / "codes"

    @property
    def otp_keys(self) -> list[bytes]:
        lines = (self.folder / "otp-keys").read_text(encoding="utf-8").splitlines()
        keys = [b64decode(line.split()[1]) for line in lines if line and line[0] != "#"]
        assert keys
        return keys

    @property
    def logged(self) -> bytes:
        return "\n".join(self.log).encode()

    @property
    def places(self) -> dict[str, bytes]:
        said = {"the log": self.logged, "the metrics": self.metrics}
        return self.files | said | {"the answers": b"\n".join(self.answers)}

    def keep_files(self, moment: str) -> None:
        """The bytes of all files but the two that codes and keys belong in."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.name not in ("codes", "otp-keys"):
                self.files[f"{path.name} {moment}"] = path.read_bytes()


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("secrets")
    found = Evidence(folder)
    with closing(socket.create_server(("127.0.0.1", 0))) as chosen:
        metrics = f"127.0.0.1:{chosen.getsockname()[1]}"
    environment = {
        "SMSGATE_LOG_LEVEL": "debug",
        "SMSGATE_SIMULATOR_OTP_FILE": str(found.otp_file),
        "SMSGATE_SIMULATOR_JOURNAL": str(folder / "journal"),
        "SMSGATE_OTP_COOL_DOWN_SECONDS": "0.001",
    }
    arguments = ["--metrics-listen", metrics]
    with ServerProcess(found.database, arguments, environment) as running:
        asyncio.run(_everything(running.target, found))
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=GUARD_SECONDS) as page:
            found.metrics = page.read()
        found.keep_files("while it ran")
        assert running.stop() == 0
        found.keep_files("after its end")
        found.log = [line for line in running.output if not line.startswith("smsgate listening")]
    return found


async def _everything(target: str, found: Evidence) -> None:
    async with grpc.aio.insecure_channel(target) as channel:
        operator = await Operator.of(channel)
        caller = await operator.tenant("acme")
        paying = await _prepaid(operator, found)
        found.keys += [operator.caller, caller, paying]
        stream = caller.messages.StreamStatus(pb.StreamStatusRequest())
        found.answers.append((await opened(stream)).SerializeToString())
        await _sends(caller, paying, found)
        await _codes(caller, found)
        await _verifications(caller, found)
        await _refusals(channel, caller, found)
        await _revocation(operator, found)
        await _reads(caller, operator, found)
        await _read_along(stream, found)


async def _prepaid(operator: Operator, found: Evidence) -> Caller:
    await operator.account("paying", billing_mode=accounts.BILLING_MODE_PREPAID)
    for number in range(2):
        amount = Money(currency_code="EUR", units=10)
        request = accounts.TopUpRequest(
            account_id="paying", amount=amount, request_id=f"invoice-{number}", note="paid"
        )
        await _heard(found, operator.caller.accounts.TopUp(request))
    return await operator.key("paying", SEND, READ, name="the one that pays")


async def _heard(found: Evidence, call: Any) -> Any:
    answer = await call
    found.answers += [answer.SerializeToString(), str(answer).encode()]
    return answer


async def _sends(caller: Caller, paying: Caller, found: Evidence) -> None:
    for each in (caller, paying):
        request = pb.SendMessageRequest(recipient="+393331234567", text=MARKER, request_id="m-1")
        for _ in range(2):
            await _heard(found, each.messages.SendMessage(request))
        items = [pb.BatchItem(recipient=f"+39333123456{n}") for n in range(5)]
        await _heard(found, each.messages.SendBatch(pb.SendBatchRequest(items=items, text=MARKER)))
        estimate = pb.EstimateMessageRequest(recipient="+393331234567", text=MARKER)
        await _heard(found, each.messages.EstimateMessage(estimate))


def _wanted() -> Iterator[otp.SendOTPRequest]:
    """Codes of every length and alphabet, in every language, in every kind of text."""
    extras: list[dict[str, Any]] = [
        {},
        {"brand": "Acme"},
        {"web_origin": "example.com"},
        {"android_app_hash": "FA+9qCX9VSu"},
        {"sender": "ACME", "client_reference": "a reference", "labels": {"team": "red"}},
    ]
    number = 0
    for length in range(4, 11):
        for alphabet in (NUMERIC, ALPHANUMERIC):
            yield otp.SendOTPRequest(
                recipient=f"+3933312345{number:02d}",
                purpose="login",
                length=length,
                alphabet=alphabet,
                locale=LANGUAGES[number % len(LANGUAGES)],
                request_id=f"code-{number}",
                **extras[number % len(extras)],
            )
            number += 1


async def _codes(caller: Caller, found: Evidence) -> None:
    for number, request in enumerate(_wanted()):
        sent = [await _heard(found, caller.otp.SendOTP(request))]
        if number % 4 == 0:
            replayed = await _heard(found, caller.otp.SendOTP(request))
            assert replayed.replayed
            request.request_id = f"again-{number}"
            request.locale = "en"
            sent.append(await _heard(found, caller.otp.SendOTP(request)))
            assert sent[-1].reused
        for each in sent:
            found.codes[each.message.id] = await code_sent(found.otp_file, each)
    found.texts = texts_sent(found.otp_file)
    assert set(found.texts) == set(found.codes)


async def _verifications(caller: Caller, found: Evidence) -> None:
    by_id: dict[str, str] = {}
    for message_id, code in found.codes.items():
        get = pb.GetMessageRequest(id=message_id)
        message = (await _heard(found, caller.messages.GetMessage(get))).message
        by_id[message.verification_id] = code
    for number, (verification_id, code) in enumerate(by_id.items()):
        wrong = _wrong(code)
        found.typed += [wrong] if len(wrong) >= _LONG else []
        for typed in (wrong, code) if number % 3 else (wrong,) * 6:
            request = otp.VerifyOTPRequest(
                verification_id=verification_id,
                code=" ".join(typed),
                request_id=f"try-{number}-{typed == code}" if number % 2 else "",
            )
            for _ in range(2):
                await _heard(found, caller.otp.VerifyOTP(request))
        get_code = otp.GetVerificationRequest(id=verification_id)
        await _heard(found, caller.otp.GetVerification(get_code))
    cancel = otp.CancelVerificationRequest(id=next(iter(by_id)))
    await _heard(found, caller.otp.CancelVerification(cancel))


def _wrong(code: str) -> str:
    """A code that is wrong in its last character only, which both alphabets have."""
    return code[:-1] + ("3" if code[-1] != "3" else "4")


async def _refusals(channel: grpc.aio.Channel, caller: Caller, found: Evidence) -> None:
    """Calls with keys and codes in all the wrong places."""
    secret, code = caller.secret, max(found.codes.values(), key=len)
    stranger = Caller(channel, secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    found.keys.append(stranger)
    for metadata in (
        stranger.metadata,
        (("authorization", secret),),
        (("authorization", f"Basic {secret}"),),
        bearer(f"{secret} {secret}"),
        bearer(secret.upper()),
        (("x-api-key", secret),),
    ):
        anybody = Caller(channel)
        anybody.metadata = metadata
        await _refused(anybody.ask("MessageService/ListMessages"))
    for wrong in (secret, f"{code} {code} {code}"):
        for rpc, request in {
            "MessageService/SendMessage": pb.SendMessageRequest(recipient=wrong, sender=wrong),
            "MessageService/GetMessage": pb.GetMessageRequest(id=wrong),
            "MessageService/CancelMessage": pb.CancelMessageRequest(id=wrong),
            "MessageService/StreamStatus": pb.StreamStatusRequest(cursor=wrong),
            "MessageService/ListMessages": pb.ListMessagesRequest(page_token=wrong),
            "OTPService/SendOTP": otp.SendOTPRequest(recipient=wrong, purpose=wrong),
            "OTPService/VerifyOTP": otp.VerifyOTPRequest(verification_id=wrong, code=code),
            "OTPService/GetVerification": otp.GetVerificationRequest(id=wrong),
            "AccountService/GetAccount": accounts.GetAccountRequest(account_id=wrong),
            "AccountService/RevokeApiKey": accounts.RevokeApiKeyRequest(id=wrong),
        }.items():
            await _refused(caller.ask(rpc, request))
    operator = found.keys[0]
    for rpc, request in {
        "AccountService/RevokeApiKey": accounts.RevokeApiKeyRequest(id=secret),
        "AccountService/GetAccount": accounts.GetAccountRequest(account_id=secret),
        "AccountService/CreateAccount": accounts.CreateAccountRequest(
            account=accounts.Account(id=secret)
        ),
        "AccountService/TopUp": accounts.TopUpRequest(account_id="paying", request_id=secret),
        "AccountService/ListAccounts": accounts.ListAccountsRequest(page_token=secret),
    }.items():
        await _refused(operator.ask(rpc, request))


async def _refused(call: Any) -> None:
    assert isinstance(await answer_or_refusal(call), Refusal)


async def _revocation(operator: Operator, found: Evidence) -> None:
    gone = await operator.key("acme", READ, name="a key that goes")
    found.keys.append(gone)
    await _heard(found, gone.ask("MessageService/ListMessages"))
    await operator.revoke(gone.key_id)
    await _refused(gone.ask("MessageService/ListMessages"))
    found.keys.append(await operator.key("acme", READ, name="a key that nobody uses"))


async def _reads(caller: Caller, operator: Operator, found: Evidence) -> None:
    async def all_final() -> Any:
        listed = await caller.messages.ListMessages(pb.ListMessagesRequest(page_size=1_000))
        return listed if all(m.status in FINAL for m in listed.messages) else None

    listed = await eventually(all_final)
    found.answers += [listed.SerializeToString(), str(listed).encode()]
    for message_id in found.codes:
        get = pb.GetMessageRequest(id=message_id, include_history=True)
        await _heard(found, caller.messages.GetMessage(get))
    for rpc in ("AccountService/ListAccounts", "AccountService/GetAccount"):
        await _heard(found, operator.caller.ask(rpc))
    await _heard(found, operator.shown("acme"))
    stream = caller.messages.StreamStatus(pb.StreamStatusRequest(snapshot=True))
    await _read_along(stream, found)


async def _read_along(stream: Any, found: Evidence) -> None:
    """Read a stream until it has told the end of every code, or its snapshot is over."""
    ended: set[str] = set()
    async with asyncio.timeout(GUARD_SECONDS):
        while not set(found.codes) <= ended:
            response = await next_response(stream)
            found.answers += [response.SerializeToString(), str(response).encode()]
            ended |= {event.message_id for event in response.events if event.to_status in FINAL}
            ended |= {message.id for message in response.snapshot}
    stream.cancel()


# What is found


def code_needles(found: Evidence) -> dict[str, set[bytes]]:
    """What would give a code away: itself if it is long, else a word of the text it stands in."""
    needles: dict[str, set[bytes]] = {}
    for message_id, code in found.codes.items():
        text = found.texts[message_id]
        written = digests(code) | around(text, code) | {text.encode(), text.encode("utf-16-le")}
        if len(code) >= _LONG:
            written |= forms(code.encode()) | forms(code.lower().encode())
        needles[f"the code {code}"] = written
    return needles


def key_needles(found: Evidence) -> dict[str, set[bytes]]:
    return {
        f"the secret of {caller.key_id or 'nobody'}": forms(caller.secret.encode())
        | forms(caller.secret[17:].encode())
        for caller in found.keys
    }


def otp_key_needles(found: Evidence) -> dict[str, set[bytes]]:
    return {
        f"OTP key {number}": forms(key) | forms(key[:16]) | forms(key[16:]) | digests(key.hex())
        for number, key in enumerate(found.otp_keys)
    }


def test_everything_was_done_that_could_give_a_secret_away(evidence: Evidence) -> None:
    assert {len(code) for code in evidence.codes.values()} == set(range(4, 11))
    # Nine languages and four kinds of text.
    assert len({text.split()[0] for text in evidence.texts.values()}) >= 6
    assert any("@example.com #" in text for text in evidence.texts.values())
    assert any("FA+9qCX9VSu" in text for text in evidence.texts.values())
    logged = [json.loads(line) for line in evidence.log]
    reasons = {line.get("reason") for line in logged if line["message"] == "call"}
    assert {"API_KEY_REQUIRED", "API_KEY_INVALID", "SCOPE_REQUIRED"} <= reasons
    assert {"INVALID_SENDER", "API_KEY_NOT_FOUND", "VERIFICATION_NOT_FOUND"} <= reasons
    methods = {line["method"] for line in logged if line["message"] == "call"}
    assert {"OTPService.SendOTP", "OTPService.VerifyOTP", "AccountService.TopUp"} <= methods
    told = evidence.places["the answers"]
    for result in ("APPROVED", "INCORRECT", "EXHAUSTED", "ALREADY_USED"):
        assert f"result: VERIFY_RESULT_{result}".encode() in told
    names = {name.split()[0] for name in evidence.files}
    assert {"messages.db", "messages.db-wal", "messages.db-shm", "journal"} <= names


def test_no_code_is_in_the_database_the_log_the_metrics_or_an_answer(evidence: Evidence) -> None:
    assert search(code_needles(evidence), evidence.places) == []


def test_no_value_in_the_database_is_a_code(evidence: Evidence) -> None:
    texts = {code.encode() for code in evidence.codes.values()}
    numbers = {int(code) for code in evidence.codes.values() if code.isdigit() and len(code) > 5}
    cells = list(cells_of(evidence.database))
    assert not [cell for cell in cells if isinstance(cell, int) and cell in numbers]
    words: set[bytes] = set().union(*(words_of(c) for c in cells if isinstance(c, bytes)))
    assert not words & texts


def test_no_word_of_the_log_is_a_code(evidence: Evidence) -> None:
    codes = {code.encode() for code in evidence.codes.values()}
    lines = [json.loads(line) for line in evidence.log]
    for line in lines:
        # How many milliseconds a call took can be any number.
        line.pop("ms", None)
    assert not words_of(json.dumps(lines).encode()) & codes


def test_no_code_that_somebody_typed_is_kept_though_it_is_wrong(evidence: Evidence) -> None:
    assert evidence.typed
    needles = {f"{code} as typed": forms(code.encode()) for code in evidence.typed}
    spaced = {f"{code} as spaced": forms(" ".join(code).encode()) for code in evidence.typed}
    assert search(needles | spaced, evidence.places) == []


def test_no_secret_of_a_key_is_in_the_database_the_log_the_metrics_or_an_answer(
    evidence: Evidence,
) -> None:
    assert len(evidence.keys) == 6
    assert search(key_needles(evidence), evidence.places) == []


def test_not_even_the_hash_of_a_key_is_said(evidence: Evidence) -> None:
    needles = {
        caller.key_id or "nobody": forms(hashlib.sha256(caller.secret.encode()).digest())
        for caller in evidence.keys
    }
    said = {place: evidence.places[place] for place in ("the log", "the metrics", "the answers")}
    assert search(needles, said) == []


def test_nothing_of_the_keys_that_codes_derive_from_is_anywhere(evidence: Evidence) -> None:
    assert search(otp_key_needles(evidence), evidence.places) == []


def test_the_files_are_for_their_user_alone(evidence: Evidence) -> None:
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in evidence.folder.iterdir()
        if path.name != evidence.folder.name
    }
    assert {"messages.db", "otp-keys", "codes"} <= set(modes)
    assert {name: mode for name, mode in modes.items() if mode & 0o077} == {}


# That the search can fail


def test_the_search_finds_what_is_there(evidence: Evidence) -> None:
    found = search({"the marker": forms(MARKER.encode())}, evidence.places)
    assert {"the marker in messages.db after its end", "the marker in the answers"} <= set(found)
    # Which of the two has it depends on when the one was last written into the other.
    running = {f"the marker in {name} while it ran" for name in ("messages.db", "messages.db-wal")}
    assert running & set(found)
    hashes = {"a hash": forms(hashlib.sha256(evidence.keys[0].secret.encode()).digest())}
    assert "a hash in messages.db after its end" in search(hashes, evidence.places)
    methods = {"a method": {b"OTPService.VerifyOTP"}}
    assert {"a method in the log", "a method in the metrics"} <= set(
        search(methods, evidence.places)
    )
    ids = {f"the id {caller.key_id}": {caller.key_id.encode()} for caller in evidence.keys[:3]}
    assert len(search(ids, {"": evidence.files["messages.db after its end"]})) == 3


def test_the_search_finds_every_secret_in_every_form_if_it_is_planted(evidence: Evidence) -> None:
    needles = code_needles(evidence) | key_needles(evidence) | otp_key_needles(evidence)
    for name, written in needles.items():
        for form in written:
            planted = {"a place": b"before " + form + b" after"}
            assert f"{name} in a place" in search(needles, planted)
    for caller in evidence.keys:
        for shift in range(3):
            hidden = b64encode(b"x" * shift + caller.secret.encode() + b"y" * 5)
            assert search(key_needles(evidence), {"base64": hidden})


def test_the_search_of_words_and_values_finds_a_code_of_any_length(
    evidence: Evidence, tmp_path: Path
) -> None:
    planted = tmp_path / "planted.db"
    with (
        closing(sqlite3.connect(evidence.database)) as source,
        closing(sqlite3.connect(planted)) as copy,
    ):
        source.backup(copy)
        copy.execute("CREATE TABLE planted (code)")
        rows = [(code,) for code in evidence.codes.values()]
        copy.executemany("INSERT INTO planted VALUES (?)", [*rows, (123_456,), (b"0000",)])
        copy.commit()
    cells = list(cells_of(planted))
    assert 123_456 in cells
    words: set[bytes] = set().union(*(words_of(c) for c in cells if isinstance(c, bytes)))
    assert {code.encode() for code in evidence.codes.values()} | {b"0000"} <= words


def test_a_code_is_told_from_its_text(evidence: Evidence) -> None:
    assert code_in("Code 1234.\n@a.it #1234", "Code {code}.\n@a.it #{code}") == "1234"
    with pytest.raises(AssertionError):
        code_in("Code 1234.\n@a.it #4321", "Code {code}.\n@a.it #{code}")
