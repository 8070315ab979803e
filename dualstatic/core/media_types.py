"""The media type of a name, by a table of our own: the same on every host."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT = "application/octet-stream"

_TYPES = {
    "application": """
        atom+xml .atom; dash+xml .mpd; epub+zip .epub; geo+json .geojson .topojson; gpx+xml .gpx;
        gzip .gz .tgz; java-archive .jar .ear .war; json .json .map .ipynb; ld+json .jsonld;
        manifest+json .webmanifest; mathml+xml .mml; msword .doc .dot .wiz; n-quads .nq;
        n-triples .nt; octet-stream .bin .img; ogg .ogx; pdf .pdf; pkcs12 .p12 .pfx;
        pkcs7-mime .p7c .p7m; pkix-cert .cer .crt .der; pkix-crl .crl; postscript .ai .eps .ps;
        rdf+xml .rdf; rss+xml .rss; rtf .rtf; sparql-query .rq; toml .toml; trig .trig;
        vnd.android.package-archive .apk; vnd.apache.arrow.file .arrow .feather;
        vnd.apache.arrow.stream .arrows; vnd.apache.parquet .parquet; vnd.apple.mpegurl .m3u8 .m3u;
        vnd.apple.pkpass .pkpass; vnd.debian.binary-package .deb; vnd.google-earth.kml+xml .kml;
        vnd.google-earth.kmz .kmz; vnd.mapbox-vector-tile .mvt;
        vnd.microsoft.portable-executable .dll .exe; vnd.ms-excel .xls .xlb; vnd.ms-fontobject .eot;
        vnd.ms-powerpoint .ppt .pot .ppa .pps .pwz; vnd.oasis.opendocument.graphics .odg;
        vnd.oasis.opendocument.presentation .odp; vnd.oasis.opendocument.spreadsheet .ods;
        vnd.oasis.opendocument.text .odt;
        vnd.openxmlformats-officedocument.presentationml.presentation .pptx;
        vnd.openxmlformats-officedocument.spreadsheetml.sheet .xlsx;
        vnd.openxmlformats-officedocument.wordprocessingml.document .docx; vnd.pmtiles .pmtiles;
        vnd.rar .rar; vnd.sqlite3 .sqlite .sqlite3; wasm .wasm; wsdl+xml .wsdl; x-7z-compressed .7z;
        x-apple-aspen-config .mobileconfig; x-apple-diskimage .dmg; x-bittorrent .torrent;
        x-bzip2 .bz2; x-hdf .hdf; x-hdf5 .h5 .hdf5; x-iso9660-image .iso; x-java-jnlp-file .jnlp;
        x-latex .latex; x-msi .msi; x-netcdf .cdf .nc; x-pem-file .pem; x-protobuf .pbf;
        x-redhat-package-manager .rpm; x-subrip .srt; x-tar .tar; x-tex .tex;
        x-texinfo .texi .texinfo; x-xpinstall .xpi; x-xz .xz; xhtml+xml .xhtml;
        xml .xml .xsl .xslt .xpdl; xspf+xml .xspf; yaml .yaml .yml; zip .zip .whl; zstd .zst
    """,
    "audio": """
        aac .aac .adts .ass .loas; basic .au .snd; flac .flac; matroska .mka; midi .mid .midi .kar;
        mp4 .m4a; mpeg .mp3 .mp2; ogg .ogg .oga .opus; vnd.rn-realaudio .ra .ram; wav .wav;
        webm .weba; x-aiff .aif .aifc .aiff
    """,
    "font": "collection .ttc; otf .otf; ttf .ttf; woff .woff; woff2 .woff2",
    "image": """
        apng .apng; avif .avif; bmp .bmp; emf .emf; fits .fits; g3fax .g3; gif .gif; heic .heic;
        heif .heif; ief .ief; jp2 .jp2; jpeg .jpg .jpeg .jfif .jpe; jpm .jpm; jpx .jpx; jxl .jxl;
        pict .pct .pic .pict; png .png; svg+xml .svg; t38 .t38; tiff .tif .tiff; tiff-fx .tfx;
        vnd.microsoft.icon .ico .cur; vnd.wap.wbmp .wbmp; webp .webp; wmf .wmf; x-cmu-raster .ras;
        x-jng .jng; x-portable-anymap .pnm; x-portable-bitmap .pbm; x-portable-graymap .pgm;
        x-portable-pixmap .ppm; x-rgb .rgb; x-xbitmap .xbm; x-xpixmap .xpm; x-xwindowdump .xwd
    """,
    "message": "rfc822 .eml .mht .mhtml .nws",
    "model": """
        gltf+json .gltf; gltf-binary .glb; obj .obj; ply .ply; step .step .stp; stl .stl;
        vnd.usdz+zip .usdz
    """,
    "text": """
        calendar .ics; css .css; csv .csv; html .html .htm; javascript .js .mjs .cjs;
        markdown .md .markdown; n3 .n3;
        plain .txt .text .log .conf .ini .cfg .c .h .cpp .go .java .jsx .kt .php .pl .py .rb .rs .sh
        .sql .swift .tsx .bat .csh .ksh .rst .tcl;
        richtext .rtx; tab-separated-values .tsv; turtle .ttl; vcard .vcf; vtt .vtt; x-setext .etx;
        x-sgml .sgm .sgml
    """,
    "video": """
        3gpp .3gp .3gpp; 3gpp2 .3g2 .3gpp2; iso.segment .m4s; matroska-3d .mk3d; mp2t .ts;
        mp4 .mp4 .m4v; mpeg .mpeg .mpg .m1v .mpa .mpe; ogg .ogv; quicktime .mov .qt; webm .webm;
        x-flv .flv; x-matroska .mkv; x-mng .mng; x-ms-asf .asf .asx; x-ms-wmv .wmv; x-msvideo .avi;
        x-sgi-movie .movie
    """,
}
"""By type its subtypes (RFC 9110 section 8.3.1), each before the suffixes of its files."""

_BY_SUFFIX = {
    suffix: f"{of_type}/{subtype}"
    for of_type, entries in _TYPES.items()
    for subtype, *suffixes in map(str.split, entries.split(";"))
    for suffix in suffixes
}

_OF_STORED = {".svgz": "image/svg+xml", ".tgz": "application/x-tar"} | dict.fromkeys(
    (".gz", ".zst"), DEFAULT
)
"""What is in files with these suffixes, where their coding is told by Content-Encoding."""

_PAGES = ("text/html", "application/xhtml+xml")


class MediaTypes:
    """Media types by whole file name, else by the longest suffix that the table knows.

    `stored` are suffixes of files that are stored compressed, with their content codings: what
    counts there is the rest of the name or, if that says nothing, what the suffix is known to hold.
    """

    def __init__(
        self,
        additions: Mapping[str, str],
        charset: str | None,
        stored: Mapping[str, str] = {},
    ) -> None:
        self._names = {
            "apple-app-site-association": "application/json",
            **{k: v for k, v in additions.items() if not k.startswith(".")},
        }
        self._suffixes = {
            **_BY_SUFFIX,
            **{suffix: _OF_STORED[suffix] for suffix in _OF_STORED.keys() & stored.keys()},
            **{k.lower(): v for k, v in additions.items() if k.startswith(".")},
        }
        self._stored = stored
        self._charset = charset

    def __call__(self, name: str) -> str:
        """The Content-Type of a name; its segments before the last don't matter."""
        leaf = name.rpartition("/")[2]
        kind = self._of(leaf)
        if leaf not in self._names and self.stored_coding(leaf):
            rest = self._of(leaf.rpartition(".")[0])
            kind = kind if rest == DEFAULT else rest
        lower = kind.lower()
        if self._charset and lower.startswith("text/") and "charset=" not in lower:
            return f"{kind}; charset={self._charset}"
        return kind

    def stored_coding(self, name: str) -> str | None:
        """The content coding in which a file is stored; None: as it is."""
        return _by_suffix(self._stored, name) if self._stored else None

    def is_asset(self, path: str) -> bool:
        """Whether a path names a kind of file, by a known suffix, that is no page."""
        kind = _by_suffix(self._suffixes, path)
        return kind is not None and not kind.startswith(_PAGES)

    def _of(self, leaf: str) -> str:
        return self._names.get(leaf) or _by_suffix(self._suffixes, leaf) or DEFAULT


_LONGEST = 255
"""Characters of the longest name of a file; a path may be any length, and each dot costs a look."""


def _by_suffix(table: Mapping[str, str], path: str) -> str | None:
    """What a table says of the longest suffix that it knows, in any case of letters."""
    leaf = path.rpartition("/")[2][-_LONGEST:].lower()
    dot = leaf.find(".")
    while dot >= 0:
        if found := table.get(leaf[dot:]):
            return found
        dot = leaf.find(".", dot + 1)
    return None
