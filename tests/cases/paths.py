"""Group P: which targets name a file, and the hostile ones."""

from __future__ import annotations

from .case import DEVICES, FOLLOWED, ODD, PASS, REFUSED, Case
from .site import LONG
from .write import DIGITS, ask, case, harmless, passes, refuses, serves

NFD = b"decomposed"
T = {"body": DIGITS}

SERVED = (
    case("P001", "", ask("/t.txt", 200, has={"content-length": "10"}, **T)),
    serves("P002", "", "/t.txt?q=1", DIGITS),
    serves("P003", "", "/t.txt?", DIGITS),
    serves("P004", "", "/%74.txt", DIGITS),
    serves("P006", "", "/q%3F.txt", b"a question mark"),
    serves("P007", "", "/h%23.txt", b"a hash sign"),
    serves("P008", "", "/plus+.txt", b"a plus sign"),
    serves("P009", "", "/plus%2B.txt", b"a plus sign"),
    serves("P011", "", "/with%20space.txt", b"a space"),
    serves("P012", "", "/100%25.txt", b"a percent sign"),
    serves("P013", "", "/a%252fb.txt", b"an escaped slash, literally"),
    serves("P014", "", "/a%2541b.txt", b"an escaped A, literally"),
    serves("P015", "", "/%C3%BC.txt", b"u umlaut"),
    case("P016", "", ask(b"/\xc3\xbc.txt", 200, 400)),
    serves("P017", "", "/e%CC%81.txt", NFD),
    case("P019", "", ask("/%ff%fe.txt", REFUSED, 200), setting=ODD),
    serves("P071", "", "/x.txt.", b"a dot at the end"),
    serves("P074", "", "/NUL", b"a device elsewhere"),
    serves("P087", "", f"/{LONG}", b"a long name"),
    serves("P091", "", "/semi;colon.txt", b"a semicolon"),
    serves("P092", "", "/[b].txt", b"brackets"),
    case("P066", "", ask("/c:/win.ini", 200, REFUSED)),
    case("P064", "", ask("http://localhost/t.txt", 200, REFUSED), any_target=True),
)

# A wrong answer to one of these may be a file from beside the directory.
OUTSIDE = (
    refuses("P021", "", "/..%c0%afoutside/secret.txt"),
    refuses("P022", "", "/%c0%ae%c0%ae/outside/secret.txt"),
    refuses("P023", "", "/../outside/secret.txt"),
    refuses("P024", "", "/%2e%2e/outside/secret.txt", "/%2E%2E/outside/secret.txt"),
    refuses("P025", "", "/.%2e/outside/secret.txt", "/%2e./outside/secret.txt"),
    refuses("P026", "", "/%%32%65%%32%65/outside/secret.txt"),
    refuses("P027", "", "/..%2foutside/secret.txt"),
    refuses("P028", "", "/%2e%2e%2foutside%2fsecret.txt"),
    refuses("P029", "", "/%252e%252e/outside/secret.txt"),
    refuses("P030", "", "/../www-secret/s.txt"),
    refuses("P031", "", "/..%2fwww-secret/s.txt"),
    refuses("P044", "", "/..%5coutside%5csecret.txt"),
    refuses("P081", "", "/%E9%98%AE%E9%98%AE/outside/secret.txt"),
    refuses("P082", "", "/linkdir-in/%2e%2e/outside/secret.txt"),
    refuses("P083", "", "/static/%255c%255c..%255c/..%255c/windows/win.ini"),
)

NO_FILE = (
    passes("P005", "", "/t.txt%3Fq=1"),
    passes("P010", "", "/with+space.txt"),
    passes("P018", "", "/%C3%A9.txt"),
    refuses("P020", "", "/%ff.txt"),
    harmless("P038", "", "/sub/..", "/sub/%2e%2e"),
    harmless("P039", "", "/sub/.", "/sub/%2e"),
    harmless("P040", "", "/.."),
    refuses("P043", "", "/sub%5ca.txt"),
    refuses("P046", "", "/t.txt%00"),
    refuses("P047", "", "/t.txt%00.html"),
    refuses("P048", "", "/sub/%00"),
    case(
        "P049",
        "",
        ask("/t.txt%00", REFUSED, name="get"),
        ask("/t.txt%00", REFUSED, method="HEAD", check="status as get"),
    ),
    harmless("P052", "", "/%0d%0aSet-Cookie:x=1"),
    harmless("P056", "", "//evil.example"),
    harmless("P057", "", "//evil.example/.."),
    harmless("P058", "", "//evil.example/%2e%2e"),
    harmless("P059", "", "//evil.example/%2e%2e/sub"),
    harmless("P060", "", "/%2fevil.example"),
    harmless("P061", "", "/.//evil.example"),
    harmless("P062", "", "/\\evil.example", "/%5cevil.example"),
    case("P065", "", ask("*", REFUSED, 200, 204, method="OPTIONS")),
    passes("P068", "", "/t.txt::$DATA"),
    passes("P069", "", "/t.txt%3a%3a$DATA"),
    passes("P070", "", "/t.txt."),
    passes("P072", "", "/t.txt%20"),
    passes("P073", "", "/UPPER~1.HTM"),
    passes("P075", "", "/sub/con.txt"),
    passes("P076", "", "/T.TXT"),
    refuses("P077", "", "/%5c%5chost%5cshare/x"),
    harmless("P084", "", "/%5C%5Cevil.example/%252e%252e%252f"),
    harmless("P085", "", "//^/.."),
    refuses("P086", "", "/%u002e%u002e/t.txt"),
    refuses("P088", "", "/" + "n" * 256),
    refuses("P089", "", "/" + "a/" * 4000),
    passes("P090", "", "/t.txt;a=1"),
    refuses("P096", "", "/sock", setting=ODD),
)

# Where servers differ, and each has its reasons.
CHOICES = (
    refuses("P032", "", "/sub/../t.txt"),
    refuses("P033", "", "/sub/%2e%2e/t.txt"),
    refuses("P034", "", "/nodir/../t.txt"),
    refuses("P035", "", "/t.txt/../t.txt"),
    refuses("P036", "", "/./t.txt"),
    refuses("P037", "", "/%2e/t.txt"),
    refuses("P041", "", "/sub%2fa.txt"),
    refuses("P042", "", "/sub%2f"),
    refuses("P045", "", "/back%5Cslash.txt"),
    refuses("P050", "", "/%01"),
    refuses("P051", "", "/ctl%0A.txt"),
    refuses("P053", "", "//t.txt"),
    refuses("P054", "", "/sub//a.txt"),
    refuses("P055", "", "///t.txt"),
    case(
        "P063",
        "",
        ask("http://evil.example/sub", 301, 302, 307, 308, REFUSED, check="no authority"),
        any_target=True,
    ),
    refuses("P078", "", "/100%.txt"),
    refuses("P079", "", "/%zz"),
    refuses("P080", "", "/t.txt%"),
    refuses("P093", "", "/t.txt#frag"),
)

STUCK = (
    refuses("P094", "", "/fifo", setting=ODD, may_hang=True),
    case(
        "P095",
        "",
        *[ask("/fifo", PASS, waits=False)] * 8,
        ask("/t.txt", 200, **T),
        setting=ODD,
        may_hang=True,
    ),
    case(
        "P097",
        "",
        ask("/dev-link", REFUSED, most=0),
        setting=DEVICES,
        needs=(FOLLOWED,),
        may_hang=True,
    ),
)

CASES: tuple[Case, ...] = SERVED + OUTSIDE + NO_FILE + CHOICES + STUCK
