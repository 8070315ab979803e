"""From a request and what it names to the answer, step by step as in RFC 9110 section 13.2.2."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from hashlib import blake2b
from urllib.parse import unquote

from . import fields
from .downloads import harmless
from .paths import admits, relative_location
from .values import Fields, File, Policy, Representation, Request, Resource, Response

TEXT = "text/plain; charset=utf-8"
NOSNIFF = ("x-content-type-options", "nosniff")
_NOT_KEPT = ("cache-control", "no-cache")

# Browsers repeat few values of Accept-Encoding, and no client can make us remember many.
_MOST, _LONG = 32, 256
"""How many choices and targets are remembered of a resource, and the length from which none is."""

_VARY = ("Accept-Encoding", "Accept-Encoding, Available-Dictionary")
"""Without a delta among the representations, and with one."""

_HASH = re.compile(r'"([0-9a-f]{12})[0-9a-f]{20}')
"""An entity-tag that is a hash. One made of size and time may name two contents."""


# What is always true of a representation, computed once.


def describe(
    forms: Sequence[File],
    policy: Policy,
    *,
    contents: Sequence[bytes | None],
    settled: bool,
    offload: Callable[[File], Fields] | None = None,
) -> Resource:
    """The resource of the stored forms that were found under a name.

    `contents` are all their bytes, where these are to be kept in memory. `offload` gives the fields
    by which a server in front learns which file it has to send.
    """
    if coding := policy.stored_coding:  # its tag has that in it, as any has
        etag = forms[0].etag and f'{forms[0].etag[:-1]}-{coding}"'
        forms = [forms[0]._replace(coding=coding, etag=etag)]
    deltas = [file for file in forms if file.dictionary]
    vary = _VARY[bool(deltas)] if len(forms) > 1 else None
    representations = tuple(
        _represent(file, policy, content, offload, vary)
        for file, content in zip(forms, contents, strict=True)
    )
    only = representations[0] if len(forms) == 1 else None
    match = _HASH.match(forms[0].etag or "")
    version = f"v={match[1]}" if match else ""
    return Resource(representations, policy, settled, only, tuple(deltas), version)


def _represent(
    file: File,
    policy: Policy,
    content: bytes | None,
    offload: Callable[[File], Fields] | None,
    vary: str | None,
) -> Representation:
    """The 200 of a stored form, its 304, and the fields of its parts."""
    size, ours = file.size, _described(file, policy, vary)
    headers = _merge(_fields(ours), policy.fields)
    refreshed = _fields({name: ours[name] for name in ("etag", "cache-control", "vary")})
    return Representation(
        file,
        # An empty file has nothing to open it for.
        Response(200, headers, (range(size),), file) if size else Response(200, headers),
        Response(304, _merge(refreshed, _without(policy.fields, _OF_THE_CONTENT))),
        _without(headers, ("content-length", _OFFER)),
        Response(200, _without(headers, _OF_BYTES) + offload(file)) if offload else None,
        Response(200, headers, (content,)) if content else None,
    )


def _described(file: File, policy: Policy, vary: str | None) -> dict[str, str | None]:
    modified = file.modified
    return {
        "content-type": policy.media_type,
        "content-length": str(file.size),
        "content-encoding": file.coding,
        "etag": file.etag,
        "last-modified": None if modified is None else formatdate(modified, usegmt=True),
        "accept-ranges": "bytes",
        "cache-control": policy.forever if policy.immutable else policy.cache_control,
        "vary": vary,
        "x-content-type-options": "nosniff",
        _OFFER: policy.offer,
    }


def with_fields(
    request: Request,
    resource: Resource,
    fields: Fields,
    offload: Callable[[File], Fields] | None,
    *,
    of_uploads: bool,
) -> Resource:
    """The resource as a view answers with it: one representation, with fields that replace others.

    The view's URL is not the file's own. So the file offers no dictionary there, no delta is sent,
    and it is not immutable: another file may be there tomorrow.
    """
    form = select(resource, request.headers.get("accept-encoding"))
    held = form.in_memory
    content = bytes(held.body[0]) if held else None
    more = _merge(resource.policy.fields, fields)
    policy = replace(resource.policy, fields=more, offer=None, immutable=False)
    if of_uploads:
        policy = harmless(policy)
    vary = None if resource.only else _VARY[0]
    only = _represent(form.file, policy, content, offload, vary)
    return Resource((only,), policy, resource.settled, only)


_OFFER = "use-as-dictionary"
_OF_THE_CONTENT = frozenset({"content-type", "content-disposition"})
_OF_BYTES = frozenset({"content-length", "accept-ranges"})
_OF_VALIDATION = frozenset({"etag", "last-modified", "accept-ranges", "cache-control", _OFFER})
_NOT_OF_AN_ERROR = _OF_THE_CONTENT | _OF_BYTES | _OF_VALIDATION | {"content-encoding"}


def _fields(values: Mapping[str, str | None]) -> Fields:
    return tuple([(name, value) for name, value in values.items() if value])


def _without(headers: Fields, names: Container[str]) -> Fields:
    return tuple([field for field in headers if field[0] not in names])


def _merge(ours: Fields, theirs: Fields) -> Fields:
    """Fields of the option `headers` replace ours, but for Vary."""
    extra = dict(theirs)
    if "vary" in extra:
        extra["vary"] = union(value for name, value in (*ours, *theirs) if name == "vary")
    return _without(ours, extra) + tuple(extra.items())


def union(values: Iterable[str]) -> str:
    """Some values of Vary in one: it is a set, and grows (section 12.5.5)."""
    members: dict[str, str] = {}
    for member in ",".join(values).split(","):
        members.setdefault(member.strip().lower(), member.strip())
    return "*" if "*" in members else ", ".join(filter(None, members.values()))


def for_method(request: Request, response: Response) -> Response:
    """The answer to a request, of one that is made for a GET: HEAD has no body (section 9.3.2)."""
    return Response(response.status, response.headers) if request.method == "HEAD" else response


# The decision on one request.


def select(
    resource: Resource, accept_encoding: str | None, dictionary: str | None = None
) -> Representation:
    """The representation that the client likes best (section 12.5.3).

    A delta goes to a client that has its dictionary and names its coding (RFC 9842). Else, the
    smallest of equal weight wins. If none is acceptable, the first one answers: the file itself.
    """
    if resource.only or not accept_encoding:
        return resource.representations[0]
    said = (accept_encoding, dictionary) if dictionary and resource.deltas else accept_encoding
    if chosen := resource.choices.get(said):
        return chosen
    chosen = _select(resource, accept_encoding, dictionary)
    length = len(accept_encoding) + len(dictionary or "")
    if len(resource.choices) < _MOST and length < _LONG:
        resource.choices[said] = chosen
    return chosen


def _select(resource: Resource, accept_encoding: str, dictionary: str | None) -> Representation:
    weights = fields.accepted_codings(accept_encoding)
    others = weights.get("*", 0)
    has = fields.dictionary_hash(dictionary or "")

    def preference(representation: Representation) -> tuple[int, int]:
        coding, needs = representation.file.coding, representation.file.dictionary
        # Identity needs no mention to be acceptable, but any coding that has one is preferred.
        weight = weights.get(coding, others) if coding else weights.get("identity", others)
        if needs:  # not acceptable, or before all others, whatever their weight
            weight = 1001 if needs == has and weights.get(coding or "") else 0
        return weight, -representation.file.size

    best = max(resource.representations, key=preference)
    return best if preference(best)[0] else resource.representations[0]


def decide(
    request: Request, resource: Resource, canonical: str, *, now: float, key: bytes
) -> Response | None:
    """The answer to a GET or HEAD of a path that leads to a resource; None: it is refused.

    `canonical` is the path under which the resource is to be asked for.
    """
    path, target = request.path, request.raw_path
    if path and not (target in resource.targets or admits(target, path)):
        return None
    if canonical != path:
        return redirect(request, canonical)
    return kept(resource, respond(request, resource, now=now, key=key), request.query)


def is_plain_target(resource: Resource, raw_path: bytes | None, path: str) -> bool:
    """Whether a target admits its path, and no slash was added to it; clients repeat targets.

    Where only the path has a slash at its end, `decide` finds out whose that is.
    """
    if raw_path in resource.targets:
        return True
    if not admits(raw_path, path):
        return False
    if raw_path and path.endswith("/") and not raw_path.partition(b"?")[0].endswith(b"/"):
        return False
    if raw_path and len(resource.targets) < _MOST and len(raw_path) < _LONG:
        resource.targets.add(raw_path)
    return True


def respond(request: Request, resource: Resource, *, now: float, key: bytes) -> Response:
    """The answer to a GET or HEAD of a resource; `key` makes boundaries unforeseeable."""
    headers = request.headers
    accepted, dictionary = headers.get("accept-encoding"), headers.get("available-dictionary")
    representation = select(resource, accepted, dictionary)
    status = _failed_precondition(headers, representation.file, now)
    if representation.offloaded:
        # The server that sends the file has its own validators, and judges by them. It does the
        # ranges, too. But a client whose If-None-Match holds our tag has this content already.
        has_it = status == 304 and "if-none-match" in headers
        return representation.not_modified if has_it else representation.offloaded
    if status == 304:
        return representation.not_modified
    if status == 412:
        response = _error(412, "Precondition Failed", representation)
    elif "range" in headers and request.method == "GET":
        response = in_parts(representation, headers, now=now, key=key)
    else:
        response = representation.in_memory or representation.whole
    return for_method(request, response)


def in_parts(
    representation: Representation, headers: Mapping[str, str], *, now: float, key: bytes
) -> Response:
    """The answer to a Range (section 14.2); the whole where that has to be ignored."""
    file = representation.file
    ranges = _requested_ranges(headers, file, now)
    if ranges is None:
        return representation.in_memory or representation.whole
    if not ranges:
        past = ("content-range", f"bytes */{file.size}")
        return _error(416, "Range Not Satisfiable", representation, past)
    if len(ranges) == 1:
        return _single(representation, ranges[0])
    return _multipart(representation, ranges, key)


def kept(resource: Resource, response: Response, given: str | bytes) -> Response:
    """The response; an immutable one if the query has the version of this content.

    That is made once, and remembered with the response.
    """
    version, query = resource.version, given if isinstance(given, str) else given.decode("latin-1")
    if not version or (query != version and version not in query.split("&")):
        return response
    made: Response | None = response.wire.get("kept")
    if made:
        return made
    policy = resource.policy
    if response.status not in (200, 206, 304) or "cache-control" in dict(policy.fields):
        return response
    headers = _merge(response.headers, _fields({"cache-control": policy.forever}))
    made = response.wire["kept"] = Response(response.status, headers, response.body, response.file)
    return made


def _failed_precondition(headers: Mapping[str, str], file: File, now: float) -> int | None:
    """The status that the preconditions give, in the order of section 13.2.2; None: they hold."""
    if "if-match" in headers:
        if not _matches(headers["if-match"], file.etag, weak=False):
            return 412
    elif _modified_since(headers.get("if-unmodified-since"), file, now):
        return 412
    if "if-none-match" in headers:
        return 304 if _matches(headers["if-none-match"], file.etag, weak=True) else None
    return 304 if _modified_since(headers.get("if-modified-since"), file, now) is False else None


def _matches(text: str, etag: str | None, *, weak: bool) -> bool:
    """Whether a list of tags has this one, by weak or strong comparison (section 8.8.3.2).

    With weak comparison (If-None-Match) a member that can't be read is passed over: at worst, the
    client gets again what it has. With strong comparison (If-Match) it makes the condition false:
    nobody knows all that the client has asked for.
    """
    tags = fields.entity_tags(text)
    if tags == ("*",):
        return True
    if etag is None:
        return False
    if weak:
        return etag.removeprefix("W/") in [tag.removeprefix("W/") for tag in tags if tag]
    return etag in tags and None not in tags and not etag.startswith("W/")


def _modified_since(text: str | None, file: File, now: float) -> bool | None:
    """None if the request or the file has no date: then there is no condition."""
    if text is None:
        return None
    date = fields.http_date(text, now)
    return None if date is None or file.modified is None else file.modified > date


def _requested_ranges(headers: Mapping[str, str], file: File, now: float) -> list[range] | None:
    """The ranges to send; an empty list: none can be satisfied; None: the whole (section 14.2)."""
    size = file.size
    parts = fields.byte_ranges(headers["range"], size) if size else None
    if not parts or ("if-range" in headers and not _if_range(headers["if-range"], file, now)):
        return None
    ranges = [part for part in parts if part]
    return _coalesce(ranges) if len(ranges) > 1 else ranges


def _if_range(text: str, file: File, now: float) -> bool:
    """Section 13.1.5: a strong tag, or the exact date; after two seconds it is strong (8.8.2.2)."""
    if tag := fields.entity_tag(text):
        return tag == file.etag and not tag.startswith("W/")
    date = fields.http_date(text, now)
    return date is not None and date == file.modified and date + 2 <= now


def _coalesce(ranges: list[range]) -> list[range]:
    """Ranges that overlap or touch become one, in the place of the first of them."""
    merged: list[tuple[int, range]] = []
    for order, part in sorted(enumerate(ranges), key=lambda item: item[1].start):
        if merged and part.start <= merged[-1][1].stop:
            before, last = merged[-1]
            merged[-1] = min(order, before), range(last.start, max(last.stop, part.stop))
        else:
            merged.append((order, part))
    return [part for _, part in sorted(merged)]


_PAGE_DESTINATIONS = frozenset({"document", "iframe", "frame", "fencedframe"})
"""What of Sec-Fetch-Dest shows a page. A download is "empty", and <object> may want a picture."""


def is_navigation(request: Request, is_asset: Callable[[str], bool]) -> bool:
    """Whether someone goes to a page, as far as the fields say (Fetch Metadata).

    `is_asset` says whether a path ends like a file that is no page. It is asked if no field tells
    a page from a picture that is opened in a tab of its own. Browsers that send Sec-Fetch-Mode
    without Sec-Fetch-Dest are from before 2020.
    """
    if request.method not in ("GET", "HEAD"):
        return False
    mode = request.headers.get("sec-fetch-mode")
    if mode == "navigate" and "sec-fetch-dest" in request.headers:
        return request.headers["sec-fetch-dest"] in _PAGE_DESTINATIONS
    names_html = mode is None and fields.names_html(request.headers.get("accept", ""))
    return (mode == "navigate" or names_html) and not is_asset(request.path)


def deciding_fields(request: Request) -> tuple[str, ...]:
    """The fields that `is_navigation` has read: Vary has to name them (section 12.5.5)."""
    mode = request.headers.get("sec-fetch-mode")
    if mode is None:
        return ("Sec-Fetch-Mode", "Accept")
    return ("Sec-Fetch-Mode", "Sec-Fetch-Dest") if mode == "navigate" else ("Sec-Fetch-Mode",)


# Answers that are made on demand.


def message(status: int, text: str, headers: Fields) -> Response:
    """A short answer in plain text."""
    body = f"{text}\n".encode()
    described = (("content-type", TEXT), ("content-length", str(len(body))))
    return Response(status, (*described, *headers), (body,))


def _error(
    status: int, text: str, representation: Representation, *more: tuple[str, str]
) -> Response:
    """An error of a request for a file: of its fields, it has those that are not the content's."""
    return message(status, text, (*more, *_without(representation.whole.headers, _NOT_OF_AN_ERROR)))


def not_found(vary: Sequence[str]) -> Response:
    """The 404 of a path that nothing answers. It is not kept: the file may be there tomorrow.

    `vary` are the request fields that might have led to a page.
    """
    varying = _fields({"vary": ", ".join(vary)})
    return message(404, "Not Found", (_NOT_KEPT, NOSNIFF, *varying))


def not_allowed() -> Response:
    """The 405 of a file that is asked for by another method (section 15.5.6)."""
    return message(405, "Method Not Allowed", (("allow", "GET, HEAD"), _NOT_KEPT, NOSNIFF))


def redirect(request: Request, path: str) -> Response | None:
    """A redirect to another path that keeps method and query (section 15.4.8).

    The empty path is the mount point without its slash, which the target ends with. None: there is
    no such target.
    """
    mount = ""
    if not request.path:
        target = (request.raw_path or b"").partition(b"?")[0].decode("latin-1")
        mount = unquote(target, errors="surrogateescape")
        if not mount or mount.endswith("/"):
            return None
    location = relative_location(mount + request.path, mount + path, request.query)
    return Response(
        307, (("location", location), ("content-type", TEXT), ("content-length", "0"), NOSNIFF)
    )


def page(status: int, representation: Representation, vary: Sequence[str]) -> Response:
    """A page in place of what was asked for: it has no validators, no ranges, and isn't kept."""
    whole = representation.in_memory or representation.whole
    headers = (*_without(whole.headers, _OF_VALIDATION), _NOT_KEPT)
    headers = _merge(headers, _fields({"vary": ", ".join(vary)}))
    return Response(status, headers, whole.body, whole.file)


def _single(representation: Representation, part: range) -> Response:
    file, held = representation.file, representation.in_memory
    headers = (
        *representation.part_fields,
        ("content-range", _content_range(part, file)),
        ("content-length", str(len(part))),
    )
    if held is None:
        return Response(206, headers, (part,), file)
    return Response(206, headers, (held.body[0][part.start : part.stop],))


def _multipart(representation: Representation, ranges: list[range], key: bytes) -> Response:
    """Several ranges (section 14.6); the whole file where that is no longer."""
    whole, file = representation.whole, representation.file
    named = f"{file.etag} {file.identity} {ranges}"
    boundary = blake2b(named.encode(), key=key, digest_size=16).hexdigest()
    media_type = dict(whole.headers)["content-type"]
    body: list[bytes | range] = []
    for part in ranges:
        content_range = _content_range(part, file)
        head = f"--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {content_range}"
        body += [f"\r\n{head}\r\n\r\n".encode("latin-1"), part]
    body.append(f"\r\n--{boundary}--\r\n".encode())
    length, held = sum(map(len, body)), representation.in_memory
    if length >= file.size:
        return held or whole
    headers = (
        *_without(representation.part_fields, ("content-type",)),
        ("content-type", f"multipart/byteranges; boundary={boundary}"),
        ("content-length", str(length)),
    )
    if held is None:
        return Response(206, headers, tuple(body), file)
    content = held.body[0]
    cut = [part if isinstance(part, bytes) else content[part.start : part.stop] for part in body]
    return Response(206, headers, tuple(cut))


def _content_range(part: range, file: File) -> str:
    return f"bytes {part.start}-{part.stop - 1}/{file.size}"
