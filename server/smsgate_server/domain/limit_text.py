"""Limits as settings spell them: `otp_recipient=5/1h`, `requests=100/1s:burst=200:monitor`."""

import re
from datetime import timedelta

from smsgate_server.domain.account import Limit, LimitKind, PolicyMode
from smsgate_server.domain.account_checks import limit_faults

_FORM = re.compile(
    r"(?P<kind>[a-z_]+)=(?P<maximum>\d{1,9})(?:/(?P<count>\d{1,6})(?P<unit>[smhd]))?"
    r"(?::burst=(?P<burst>\d{1,9}))?(?P<monitor>:monitor)?",
    re.ASCII,
)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_KINDS = {kind.word: kind for kind in LimitKind}


def parse_limit(text: str) -> Limit:
    """The limit that `text` means; ValueError that says what is wrong."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is not KIND=MAXIMUM/PERIOD, such as otp_recipient=5/1h")
    kind = _KINDS.get(found["kind"])
    if kind is None:
        raise ValueError(f"{found['kind']} is no kind of limit; there are {', '.join(_KINDS)}")
    period = None
    if found["count"]:
        period = timedelta(**{_UNITS[found["unit"]]: int(found["count"])})
    mode = PolicyMode.MONITOR if found["monitor"] else PolicyMode.ENFORCE
    limit = Limit(kind, int(found["maximum"]), period, int(found["burst"] or 0), mode)
    for fault in limit_faults(limit):
        raise ValueError(f"{text}: the period {fault}")
    return limit
