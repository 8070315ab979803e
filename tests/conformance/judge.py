"""Whether an answer is right, and if not, why."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import Message
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urljoin, urlsplit

from tests.cases.case import PAGES, PASS, REFUSALS, REFUSED, Ask, Want
from tests.cases.site import MISS, SIZES
from tests.cases.write import DIGITS

from .client import Answer

APP_FIELD = "x-app"
FIELDS = (("content-type", "application/json"), (APP_FIELD, "reached"))
"""Of all that the app says."""

SECRET = b"SECRET"

Answers = dict[str, Answer]


def verdict(
    ask: Ask, answer: Answer, earlier: Answers, has_app: bool, is_ours: bool = False
) -> str | None:
    """None if the answer is right, and as promised if it is ours; else what is wrong with it."""
    if not answer.status:
        return answer.reason
    if lie := _lie(ask, answer):
        return lie
    if is_ours and (reason := _not_as_promised(ask, answer, earlier, has_app)):
        return reason
    reasons = []
    for want in ask.wants:
        reason = _against(want, ask, answer, earlier, has_app)
        if reason is None:
            return None
        reasons.append(reason)
    return "; or ".join(reasons) or None


def _not_as_promised(ask: Ask, answer: Answer, earlier: Answers, has_app: bool) -> str | None:
    """We give one answer of several: no charset but of text, nothing in Vary but what is named."""
    has = ask.promised.has
    kind, vary = has.get("content-type", ""), has.get("vary", ())
    is_exact = isinstance(kind, str) and kind and not kind.startswith("text/")
    if is_exact and answer.get("content-type") != kind:
        return f"content-type is {answer.get('content-type')!r}, not {kind!r}"
    names = {vary} if isinstance(vary, str) else {*vary}
    if vary and _tokens(answer.get("vary") or "") != names:
        return f"vary is {answer.get('vary')!r}, not {vary!r} alone"
    return _against(ask.promised, ask, answer, earlier, has_app)


def _lie(ask: Ask, answer: Answer) -> str | None:
    """What no answer may be like, whatever was asked for."""
    if ask.method == "HEAD" or answer.status in (204, 304):
        return f"{len(answer.body)} bytes of body after a head" if answer.body else None
    length = answer.get("content-length")
    if length is not None and ask.most is None and int(length) != len(answer.body):
        return f"Content-Length is {length}, {len(answer.body)} bytes came"
    return None


def _against(want: Want, ask: Ask, answer: Answer, earlier: Answers, has_app: bool) -> str | None:
    if not any(_is(status, answer, has_app) for status in want.status):
        return f"{_said(answer)}, not {' or '.join(map(str, want.status))}"
    for name, allowed in want.has.items():
        if not _fits(name, answer.get(name), (allowed,) if isinstance(allowed, str) else allowed):
            return f"{name} is {answer.get(name)!r}, not {allowed!r}"
    for name in want.lacks:
        if answer.get(name) is not None:
            return f"{name} is there: {answer.get(name)!r}"
    if want.body is not None and answer.body != want.body and ask.method != "HEAD":
        return f"the body is {answer.body[:40]!r}, not {want.body[:40]!r}"
    if want.parts is not None and tuple(_parts(answer) or ()) != want.parts:
        return f"the parts are {_parts(answer)!r:.80}"
    return _beside(want, answer, earlier) or _looked(want, ask, answer, earlier)


def _is(status: int | str, answer: Answer, has_app: bool) -> bool:
    if status not in (PASS, REFUSED):
        return answer.status == status and not (answer.get(APP_FIELD) and status == 404 and has_app)
    if has_app:
        return answer.get(APP_FIELD) is not None
    return answer.status == 404 or (status == REFUSED and answer.status in REFUSALS)


def _said(answer: Answer) -> str:
    return f"{answer.status} of the app" if answer.get(APP_FIELD) else str(answer.status)


def _fits(name: str, value: str | None, allowed: tuple[str, ...]) -> bool:
    if value is None:
        return False
    if name == "content-type":
        return any(_same_type(value, each) for each in allowed)
    if name == "vary":
        return set(allowed) <= _tokens(value) or value == "*"
    if name in ("content-encoding", "accept-ranges"):
        return value.lower() in allowed
    return value in allowed


def _tokens(value: str) -> set[str]:
    return {token.strip().lower() for token in value.split(",") if token.strip()}


def _same_type(value: str, wanted: str) -> bool:
    """The same type; and the same charset, if one is wanted."""
    (kind, charset), (other, other_charset) = _type(value), _type(wanted)
    return kind == other and other_charset in ("", charset)


def _type(value: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = value
    return message.get_content_type(), str(message.get_param("charset", "")).lower()


def _beside(want: Want, answer: Answer, earlier: Answers) -> str | None:
    if want.like:
        first = earlier[want.like[0]]
        for name in want.like[1]:
            if first.get(name) != answer.get(name):
                return f"{name} is {answer.get(name)!r}, was {first.get(name)!r}"
    if want.unlike:
        first = earlier[want.unlike[0]]
        for name in want.unlike[1]:
            if first.get(name) == answer.get(name):
                return f"{name} is the same: {answer.get(name)!r}"
    if want.same:
        return _compared(answer, earlier[want.same[0]], want.same[1])
    return None


def _compared(answer: Answer, first: Answer, but: tuple[str, ...]) -> str | None:
    mine, other = ({each for each in one.fields if each[0] not in (*OF_THE_SERVER, *but)}
                   for one in (answer, first))  # fmt: skip
    if mine != other:
        return f"not the same: {sorted(mine ^ other)}"
    differs = not but and answer.body and answer.body != first.body
    return f"the body is {answer.body[:40]!r}, was {first.body[:40]!r}" if differs else None


def _looked(want: Want, ask: Ask, answer: Answer, earlier: Answers) -> str | None:
    if want.check is None or CHECKS[want.check](ask, answer, earlier):
        return None
    fields = "; ".join(f"{name}: {value}" for name, value in answer.fields)
    return f"not so: {want.check} ({answer.status}; {fields})"


def filled(text: str, earlier: Answers) -> str:
    """The text with each `{name.field}` as it was; `|opaque` takes a W/ off."""

    def value(found: re.Match[str]) -> str:
        name, field, how = found.groups()
        got = earlier[name].get(field) or '"no such field"'
        return got.removeprefix("W/") if how == "opaque" else got

    return re.sub(r"\{(\w+)\.([\w-]+)(?:\|(\w+))?\}", value, text)


Check = Callable[[Ask, Answer, Answers], bool]


def _target(ask: Ask) -> str:
    return ask.target if isinstance(ask.target, str) else ask.target.decode("latin-1")


def _resolved(ask: Ask, answer: Answer) -> tuple[str, str, str]:
    """Where a Location leads to, from where the request was sent to."""
    url = urlsplit(urljoin(f"http://here{_target(ask)}", answer.get("location") or ""))
    return f"{url.scheme}://{url.netloc}", url.path, url.query


def _leads_to_the_slash(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    origin, path, _ = _resolved(ask, answer)
    host = urlsplit(answer.get("location") or "").netloc
    here = origin == "http://here" or host == dict(ask.lines).get("Host", host)
    return here and unquote(path) == unquote(_target(ask).partition("?")[0]) + "/"


def _query_kept(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    kept = _resolved(ask, answer)[2] == _target(ask).partition("?")[2]
    return kept and _leads_to_the_slash(ask, answer, earlier)


def _no_authority(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    location = answer.get("location") or ""
    return "evil.example" not in urlsplit(location).netloc and not location.startswith("//")


def _nowhere_else(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    """No secret, no split answer, and a Location below the root of this host."""
    location = answer.get("location") or ""
    url = urlsplit(location)
    climbs = ".." in unquote(location) or location.startswith(("///", "/\\", "\\"))
    elsewhere = url.netloc not in ("", PAGES) or answer.get("set-cookie") is not None
    return not climbs and not elsewhere and SECRET not in answer.body


def _status_as_get(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return answer.status == earlier["get"].status


OF_THE_SERVER = {"date", "connection", "server", "via"}


def _apps_own(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    """As the app gave it, but for what the case looks at itself."""
    kept = {each for each in answer.fields if each[0] not in (*OF_THE_SERVER, "vary", "allow")}
    return kept == {*FIELDS, ("content-length", str(len(MISS)))}


def _not_for_ever(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    rule = (answer.get("cache-control") or "").lower()
    ages = [int(age) for age in re.findall(r"max-age=([0-9]+)", rule)]
    return "immutable" not in rule and max(ages, default=0) <= 86400


def _for_ever(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    rule = (answer.get("cache-control") or "").lower()
    return "immutable" in rule and not _not_for_ever(ask, answer, earlier)


def _asked_again(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    rule = (answer.get("cache-control") or "").lower()
    return "no-cache" in rule or ("max-age=0" in rule and "must-revalidate" in rule)


def _varies_and_asked_again(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    vary = _tokens(answer.get("vary") or "")
    other = "sec-fetch-dest" if "Sec-Fetch-Mode" in dict(ask.lines) else "accept"
    return {"sec-fetch-mode", other} <= vary and _asked_again(ask, answer, earlier)


def _cookie_and_coding(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    names = [name.strip().lower() for name in (answer.get("vary") or "").split(",")]
    return sorted(names) == ["accept-encoding", "cookie"]


def _no_future(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    told, date = answer.get("last-modified"), answer.get("date")
    if told is None or date is None:
        return told is None
    return parsedate_to_datetime(told) <= parsedate_to_datetime(date)


def _other_or_weak_tag(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    tag = answer.get("etag")
    return tag is None or tag.startswith("W/") or tag != earlier["first"].get("etag")


def _strong_tag(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return bool(re.fullmatch(r'"[\x21\x23-\x7e]+"', answer.get("etag") or ""))


def _own_tag(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    others = [each.get("etag") for name, each in earlier.items() if name.startswith("of ")]
    return _strong_tag(ask, answer, earlier) and answer.get("etag") not in others


def _allows(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return _tokens(answer.get("allow") or "") >= {"get", "head"}


def _parts(answer: Answer) -> list[tuple[str, str, bytes]] | None:
    """Each part of a multipart answer: its type, its Content-Range, its bytes."""
    message = Message()
    message["content-type"] = answer.get("content-type") or ""
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/byteranges" or not boundary:
        return None
    pieces = (b"\r\n" + answer.body).split(b"\r\n--" + boundary.encode())
    if pieces[-1] not in (b"--", b"--\r\n"):
        return None
    parts = []
    for piece in pieces[1:-1]:
        head, _, body = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        parts.append((_line("content-type", head), _line("content-range", head), body))
    return parts


def _line(name: str, head: bytes) -> str:
    found = re.search(rf"(?im)^{name}: *(.+)$", head.decode("latin-1"))
    return found[1].strip() if found else ""


def _parts_of_ten(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    parts = _parts(answer)
    return bool(parts) and all(_is_part(*part) for part in parts or ())


def _is_part(kind: str, field: str, body: bytes) -> bool:
    found = re.fullmatch("bytes ([0-9]+)-([0-9]+)/10", field)
    return found is not None and body == DIGITS[int(found[1]) : int(found[2]) + 1]


def _in_order(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return [field for _, field, _ in _parts(answer) or ()] == ["bytes 8-9/10", "bytes 0-1/10"]


def _own_boundary(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return answer.status == 200 or len(_parts(answer) or ()) == 2


def _hardly_more(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return len(answer.body) <= 10 + 256


def _not_more_than_huge(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    length = answer.get("content-length")
    return length is None or int(length) <= SIZES["huge.bin"] + 65_536


def _not_the_file(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return DIGITS not in answer.body


def _not_a_page(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return b"<p>home" not in answer.body


def _not_hidden(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return b"no name" not in answer.body


def _short(ask: Ask, answer: Answer, earlier: Answers) -> bool:
    return len(answer.body) < 1000 and DIGITS not in answer.body


CHECKS: dict[str, Check] = {
    "leads to the slash": _leads_to_the_slash,
    "leads to the slash, query kept": _query_kept,
    "no authority": _no_authority,
    "leads nowhere else": _nowhere_else,
    "not the hidden page": _not_hidden,
    "status as get": _status_as_get,
    "the app's own": _apps_own,
    "not kept for ever": _not_for_ever,
    "kept for ever": _for_ever,
    "asked for again": _asked_again,
    "varies, asked for again": _varies_and_asked_again,
    "varies on Cookie and coding, once": _cookie_and_coding,
    "no date in the future": _no_future,
    "tag differs or is weak": _other_or_weak_tag,
    "a strong tag": _strong_tag,
    "a tag of its own": _own_tag,
    "allows GET and HEAD": _allows,
    "parts of ten digits": _parts_of_ten,
    "8-9 before 0-1": _in_order,
    "a boundary of its own": _own_boundary,
    "not much more than ten bytes": _hardly_more,
    "not more than huge": _not_more_than_huge,
    "not the file": _not_the_file,
    "not a page": _not_a_page,
    "short": _short,
}
