"""Group P: which targets name a file, and the hostile ones."""

from __future__ import annotations

from typing import Any

from .case import (
    DEVICES,
    FILES,
    FOLLOWED,
    MUST,
    ODD,
    PASS,
    POLICY,
    REFUSED,
    SHOULD,
    Ask,
    Case,
    Want,
)
from .site import LONG
from .write import DIGITS, ask, case, everywhere, harmless, ours, passes, refuses, under

NFD = b"decomposed"
SIZE = {"content-length": "10"}


def names(key: str, says: str, target: str | bytes, body: bytes, *more: str) -> Case:
    """A file, by its target and by others that mean the same; with and without index pages."""
    asks = [ours(each, 200, body=body, setting=FILES, here=True) for each in (target, *more)]
    again = [ours(each, 200, body=body) for each in more]
    return case(key, says, ask(target, 200, body=body), *again, *asks)


def absolute(
    key: str, says: str, target: str, *wants: Any, more: tuple[str, ...] = (), **how: Any
) -> Case:
    """A target with a scheme, which a server may make a path of; we get no file for it as it is."""
    first = ask(target, *wants, ours=Want((REFUSED,), lacks=("location",)), **how)
    others = [each for one in (target, *more) for each in everywhere(one)]
    return case(key, says, first, *others, any_target=True)


DECODED = (
    *under(
        "RFC 3986 3.3",
        MUST,
        case("P001", "A path names a file below the directory.",
             ask("/t.txt", 200, has=SIZE, body=DIGITS),
             ours("/t.txt", 200, has=SIZE, body=DIGITS, setting=FILES)),
        names("P008", "A plus sign in a path is a plus sign.", "/plus+.txt", b"a plus sign"),
        passes("P010", "A plus sign in a path is no space.", "/with+space.txt"),
        names("P087", "A name may have 255 bytes.", f"/{LONG}", b"a long name"),
        names("P091", "A semicolon is part of a name.", "/semi;colon.txt", b"a semicolon"),
        names("P092", "Brackets are part of a name.", "/[b].txt", b"brackets", "/%5Bb%5D.txt"),
        names("P071", "A dot at the end may be part of a name.", "/x.txt.", b"a dot at the end"),
        names("P074", "What would be a device on Windows is a name elsewhere.", "/NUL",
              b"a device elsewhere"),
        passes("P076", "A name is spelled as it stands on the disk.", "/T.TXT", more=("/Sub/a.txt",
               "/sub/A.txt", "/SUB/", "/SUB")),
    ),
    *under(
        "RFC 3986 3.3",
        SHOULD,
        passes("P090", "What stands behind a semicolon is not cut off a path.",
               "/t.txt;a=1", more=("/sub;/../t.txt",)),
    ),
    *under(
        "RFC 3986 3.3",
        POLICY,
        case("P066", "What would be a drive on Windows is a directory elsewhere.",
             ask("/c:/win.ini", 200, REFUSED),
             *[ours(target, 200, body=b"a drive", setting=setting) for setting in ("", FILES)
               for target in ("/c:/win.ini", "/c%3a/win.ini")]),
    ),
    *under(
        "RFC 3986 3.4",
        MUST,
        names("P002", "The query is no part of a file's name.", "/t.txt?q=1", DIGITS,
              "/t.txt?/../../outside/secret.txt"),
        names("P003", "An empty query changes nothing.", "/t.txt?", DIGITS),
        passes("P005", "An escaped question mark begins no query.", "/t.txt%3Fq=1",
               more=("/t.txt%3fq=1",)),
        names("P006", "An escaped question mark is part of the name.",
              "/q%3F.txt", b"a question mark"),
    ),
    *under(
        "RFC 3986 3.5",
        MUST,
        names("P007", "An escaped # is part of the name.", "/h%23.txt", b"a hash sign"),
    ),
    *under(
        "RFC 3986 3.5",
        POLICY,
        refuses("P093", "What stands behind a # is not cut off a target.", "/t.txt#frag"),
    ),
    *under(
        "RFC 3986 2.4",
        MUST,
        names("P004", "An escaped letter stands for that letter.", "/%74.txt", DIGITS),
        names("P009", "An escaped plus sign is a plus sign.", "/plus%2B.txt", b"a plus sign"),
        names("P011", "An escaped space is a space.", "/with%20space.txt", b"a space"),
        names("P012", "An escaped percent sign is a percent sign.",
              "/100%25.txt", b"a percent sign"),
        names("P013", "A path is decoded once: %252f is the text %2f in a name.", "/a%252fb.txt",
              b"an escaped slash, literally"),
        case("P014", "A path is decoded once: %2541 is the text %41 in a name.",
             ask("/a%2541b.txt", 200, body=b"an escaped A, literally"),
             ours("/a%2541b.txt", 200, body=b"an escaped A, literally", setting=FILES),
             *everywhere("/aAb.txt")),
    ),
    *under(
        "RFC 3986 2.5",
        MUST,
        names("P015", "The escapes of a path are bytes of UTF-8.", "/%C3%BC.txt", b"u umlaut"),
        names("P017", "A name is compared in its own form of Unicode.", "/e%CC%81.txt", NFD),
        passes("P018", "A name in another form of Unicode is another name.", "/%C3%A9.txt"),
        refuses("P020", "A byte that is not UTF-8 doesn't stand for the replacement character.",
                "/%ff.txt",
                more=(b"/\xff.txt", "/%ed%a0%80")),
        refuses("P081", "A letter is not cut down to its last byte.",
                "/%E9%98%AE%E9%98%AE/outside/secret.txt",
                more=("/\u962e\u962e/outside/secret.txt".encode(),)),
    ),
    *under(
        "RFC 3986 2.5",
        SHOULD,
        case("P016", "Bytes of UTF-8 may come without escapes.",
             ask(b"/\xc3\xbc.txt", 200, 400, ours=Want((200,), body=b"u umlaut")),
             ours(b"/\xc3\xbc.txt", 200, body=b"u umlaut", setting=FILES)),
        case("P019", "A name that is not UTF-8 is served, or is not there.",
             ask("/%ff%fe.txt", REFUSED, 200), *everywhere("/%ff%fe.txt", ODD),
             *everywhere(b"/\xff\xfe.txt", ODD), setting=ODD),
    ),
    *under(
        "RFC 3986 2.1",
        POLICY,
        refuses("P078", "A percent sign without two digits makes a path malformed.",
                "/100%.txt", cooked=False),
        refuses("P079", "The digits of an escape are hexadecimal.", "/%zz"),
        refuses("P080", "A percent sign at the end makes a path malformed.",
                "/t.txt%", more=("/t.txt%7", "/%",
                "/%2")),
    ),
    *under(
        "RFC 3986 2.1",
        MUST,
        refuses("P086", "Percent and u make no escape.", "/%u002e%u002e/t.txt",
                more=("/%u002e%u002e/outside/secret.txt",)),
    ),
)  # fmt: skip

# A wrong answer to one of these may be a file from beside the directory.
OUTSIDE = under(
    "RFC 9110 17.3",
    MUST,
    refuses("P021", "An overlong form of a slash is no slash.", "/..%c0%afoutside/secret.txt",
            more=("/..%ef%bc%8foutside/secret.txt",)),
    refuses("P022", "An overlong form of a dot is no dot.", "/%c0%ae%c0%ae/outside/secret.txt",
            more=("/%e0%80%ae%e0%80%ae/outside/secret.txt",
                  "/%ef%bc%8e%ef%bc%8e/outside/secret.txt")),
    refuses("P023", "Two dots don't lead out of the directory.", "/../outside/secret.txt",
            more=("/" + "../" * 1000 + "outside/secret.txt",)),
    refuses("P024", "Two escaped dots don't lead out of the directory.",
            "/%2e%2e/outside/secret.txt",
            "/%2E%2E/outside/secret.txt", more=("/" + "%2e%2e/" * 1000 + "outside/secret.txt",)),
    refuses("P025", "Two dots of which one is escaped don't lead out of the directory.",
            "/.%2e/outside/secret.txt",
            "/%2e./outside/secret.txt", more=("/.%2e/.%2e/outside/secret.txt",)),
    refuses("P026", "A dot that is escaped twice is no dot.", "/%%32%65%%32%65/outside/secret.txt",
            more=("/%%32%66outside",)),
    refuses("P027", "An escaped slash behind two dots doesn't lead out of the directory.",
            "/..%2foutside/secret.txt",
            more=("/..%2foutside%2fsecret.txt", "/bar%2F..%2Findex.html",
                  "/sub%2f..%2f..%2foutside%2fsecret.txt")),
    refuses("P028", "Escaped dots and slashes don't lead out of the directory.",
            "/%2e%2e%2foutside%2fsecret.txt",
            more=("/%2E%2E%2Foutside%2Fsecret.txt",)),
    refuses("P029", "An escape of an escape doesn't lead out of the directory.",
            "/%252e%252e/outside/secret.txt",
            more=("/..%252foutside%252fsecret.txt",)),
    refuses("P030", "A directory beside this one whose name begins as this one's is outside.",
            "/../www-secret/s.txt"),
    refuses("P031", "A directory beside this one is outside with an escaped slash, too.",
            "/..%2fwww-secret/s.txt"),
    refuses("P044", "Backslashes don't lead out of the directory.", "/..%5coutside%5csecret.txt",
            more=("/..\\outside\\secret.txt", "/..%255coutside%255csecret.txt",
                  "\\..\\outside\\secret.txt")),
    refuses("P082", "Two escaped dots behind a link don't lead out of the directory.",
            "/linkdir-in/%2e%2e/outside/secret.txt",
            more=("/linkdir-in/../t.txt",)),
    refuses("P083", "A mix of dots, slashes and backslashes is no path of Windows.",
            "/static/%255c%255c..%255c/..%255c/windows/win.ini"),
)  # fmt: skip

DOTS = (
    *under(
        "RFC 3986 5.2.4",
        POLICY,
        refuses("P032", "A path with two dots in it is not made shorter.", "/sub/../t.txt",
                more=("/t.txt/.", "/t.txt/..")),
        refuses("P033", "A path with two escaped dots in it is not made shorter.",
                "/sub/%2e%2e/t.txt"),
        refuses("P034", "A path is not made shorter where a directory in it isn't there.",
                "/nodir/../t.txt"),
        refuses("P035", "A path is not made shorter where a segment in it is a file.",
                "/t.txt/../t.txt"),
        refuses("P036", "A path with one dot as a segment names no file.",
                "/./t.txt", more=("/sub/./a.txt",)),
        refuses("P037", "A path with one escaped dot as a segment names no file.", "/%2e/t.txt"),
    ),
    *under(
        "RFC 9110 17.3",
        MUST,
        harmless("P038", "Two dots at the end of a path name nothing.", "/sub/..", "/sub/%2e%2e",
                 more=("/sub/../",)),
        harmless("P039", "One dot at the end of a path names nothing.",
                 "/sub/.", "/sub/%2e", more=("/sub/./",)),
        harmless("P040", "Nothing is above the root.", "/..", more=("/../",)),
    ),
)  # fmt: skip

SLASHES = (
    *under(
        "RFC 3986 2.2",
        POLICY,
        refuses("P041", "An escaped slash doesn't separate two names.", "/sub%2fa.txt",
                more=("/sub%2Fa.txt", "/sub%2findex.html"), cooked=False),
        refuses("P042", "An escaped slash at the end makes no directory.", "/sub%2f", cooked=False),
        refuses("P045", "A name with a backslash is never served.", "/back%5Cslash.txt",
                more=("/back\\slash.txt",)),
        refuses("P053", "An empty segment at the start is not passed over.",
                "//t.txt", more=("//", "/%2f")),
        refuses("P054", "An empty segment inside a path is not passed over.", "/sub//a.txt"),
        refuses("P055", "Two empty segments at the start are not passed over.",
                "///t.txt", more=("///",)),
    ),
    *under(
        "RFC 3986 2.2",
        MUST,
        refuses("P043", "An escaped backslash doesn't separate two names.",
                "/sub%5ca.txt", more=("/sub\\a.txt",)),
        refuses("P077", "Two backslashes at the start (Windows) ask no other host for a file.",
                "/%5c%5chost%5cshare/x",
                more=("/%5c%5chost%5cshare%5cx", "/%5c%5c%3f%5cc:%5cwindows%5cwin.ini",
                      "/c%3a%5cwin.ini", "/c:%5cwindows%5cwin.ini")),
    ),
    *under(
        "RFC 9110 10.2.2",
        MUST,
        harmless("P056", "A path that begins with two slashes leads to no other host.",
                 "//evil.example",
                 more=("//evil.example/",)),
        harmless("P057", "Two dots behind a path of two slashes lead to no other host.",
                 "//evil.example/.."),
        harmless("P058", "Two escaped dots behind a path of two slashes lead to no other host.",
                 "//evil.example/%2e%2e",
                 more=("//a//evil.example/%2e%2e%2f%2e%2e",)),
        harmless("P059", "A directory behind two slashes and dots leads to no other host.",
                 "//evil.example/%2e%2e/sub"),
        harmless("P060", "An escaped slash at the start leads to no other host.",
                 "/%2fevil.example",
                 more=("/%2f%2fevil.example",)),
        harmless("P061", "A dot in front of two slashes leads to no other host.",
                 "/.//evil.example"),
        harmless("P062", "A backslash at the start, a slash for browsers, leads to no other host.",
                 "/\\evil.example", "/%5cevil.example"),
        harmless("P084", "Two backslashes at the start lead to no other host.",
                 "/%5C%5Cevil.example/%252e%252e%252f",
                 more=("/%5C%5Cevil.example",)),
        harmless("P085", "Two slashes and what can't be a host do no harm.", "//^/.."),
    ),
)  # fmt: skip

CONTROLS = (
    *under(
        "RFC 9110 17.3",
        MUST,
        refuses("P046", "A zero byte at the end of a name is not cut off.", "/t.txt%00",
                more=("/%00../outside/secret.txt", "/%00", "/t.txt%20%00.php")),
        refuses("P047", "A zero byte and what is behind it are not cut off.", "/t.txt%00.html"),
        refuses("P048", "A zero byte is no name in a directory.", "/sub/%00", more=("/sub%00",)),
        case("P049", "HEAD of a path with a zero byte has the status of its GET.",
             ask("/t.txt%00", REFUSED, name="get"),
             ask("/t.txt%00", REFUSED, method="HEAD", check="status as get")),
    ),
    *under(
        "RFC 9110 5.5",
        POLICY,
        refuses("P050", "A name with a control character is never served.",
                "/%01", more=("/t.txt%01", "/%7f",
                "/%0a")),
        refuses("P051", "A file with a line break in its name is never served.", "/ctl%0A.txt",
                more=("/a%0d%0aX-Evil:%201.txt",)),
    ),
    *under(
        "RFC 9110 5.5",
        MUST,
        harmless("P052", "No line break of a target gets into a field of the answer.",
                 "/%0d%0aSet-Cookie:x=1",
                 more=("/%0d%0aWith-Index:x=1", "/%0d%0aWith-Index:x=1/",
                       "/%0d%0aSet-Cookie:%20x=1")),
    ),
)  # fmt: skip

FORMS = (
    *under(
        "RFC 9112 3.2.2",
        POLICY,
        absolute("P063", "A redirect names no host, whatever host the target names.",
                 "http://evil.example/sub", 301, 302, 307, 308, REFUSED, check="no authority"),
    ),
    *under(
        "RFC 9112 3.2.2",
        MUST,
        absolute("P064", "A target with a scheme and a host names a file by its path alone.",
                 "http://localhost/t.txt", 200, REFUSED,
                 more=("http://localhost/../outside/secret.txt", "http://evil.example//sub")),
    ),
    *under(
        "RFC 9112 3.2.4",
        MUST,
        case("P065", "An asterisk as the target asks about the server, not about a file.",
             ask("*", REFUSED, 200, 204, method="OPTIONS"),
             ours("*", PASS, method="OPTIONS", setting=FILES), *everywhere("*")),
    ),
)  # fmt: skip

# What Windows would take for another name.
ELSEWHERE = under(
    "RFC 9110 17.3",
    MUST,
    passes("P068", "A stream of a file (Windows) is no file.",
           "/t.txt::$DATA", more=("/t.txt:stream",
           "/sub::$INDEX_ALLOCATION/a.txt")),
    passes("P069", "An escaped stream of a file (Windows) is no file.", "/t.txt%3a%3a$DATA"),
    passes("P070", "A dot at the end, which Windows drops, makes another name.",
           "/t.txt.", more=("/t.txt...",)),
    passes("P072", "A space at the end, which Windows drops, makes another name.", "/t.txt%20"),
    passes("P073", "A short name (Windows) is no name of a file.",
           "/UPPER~1.HTM", more=("/progra~1/a.txt",
           "/TE021F~12")),
    passes("P075", "A device (Windows) with a suffix is no file.",
           "/sub/con.txt", more=("/CON", "/con.txt", "/sub/NUL",
           "/COM1.js", "/com%c2%b9", "/CONIN$", "/foo/bar/c:/windows/win.ini",
           "/c:/windows/win.ini", "/c%3a/windows/win.ini")),
)  # fmt: skip

SIZES = under(
    "RFC 9110 17.5",
    MUST,
    refuses("P088", "A name of more than 255 bytes is not there, and nothing fails.",
            "/" + "n" * 256),
    refuses("P089", "A path of thousands of segments is not there, and nothing fails.",
            "/" + "a/" * 4000,
            more=("/" + "a/" * 4096, "/" + "a/" * 5000, "/sub" + "/a" * 4096)),
)  # fmt: skip


def none(*targets: str, setting: str) -> list[Ask]:
    return [ours(target, PASS, method=method, setting=setting) for target in targets
            for method in ("GET", "HEAD")]  # fmt: skip


NO_FILES = under(
    "RFC 9110 17.3",
    MUST,
    refuses("P096", "A socket is no file.", "/sock", setting=ODD),
    refuses("P094", "A pipe is no file, and keeps nobody waiting.", "/fifo", setting=ODD,
            may_hang=True),
    case("P095", "Requests for a pipe keep no other request waiting.",
         *[ask("/fifo", PASS, waits=False)] * 8,
         ask("/t.txt", 200, body=DIGITS), setting=ODD, may_hang=True),
    case("P097", "A device is no file, and keeps nobody waiting.",
         ask("/dev-link", REFUSED, most=0),
         *none("/dev-link", "/device", "/fifo", "/sock", setting=DEVICES),
         *none("/dev-link", "/device", setting=ODD), setting=DEVICES, needs=(FOLLOWED,),
         may_hang=True),
)  # fmt: skip

CASES = DECODED + OUTSIDE + DOTS + SLASHES + CONTROLS + FORMS + ELSEWHERE + SIZES + NO_FILES
