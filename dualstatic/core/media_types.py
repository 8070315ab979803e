"""The media type of a name, by a table of our own: the same on every host."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT = "application/octet-stream"

_BY_TYPE = {
    "application/atom+xml": ".atom",
    "application/dash+xml": ".mpd",
    "application/epub+zip": ".epub",
    "application/geo+json": ".geojson .topojson",
    "application/gpx+xml": ".gpx",
    "application/gzip": ".gz .tgz",
    "application/java-archive": ".jar .ear .war",
    "application/json": ".json .map .ipynb",
    "application/ld+json": ".jsonld",
    "application/manifest+json": ".webmanifest",
    "application/mathml+xml": ".mml",
    "application/msword": ".doc .dot .wiz",
    "application/n-quads": ".nq",
    "application/n-triples": ".nt",
    DEFAULT: ".bin .img",
    "application/ogg": ".ogx",
    "application/pdf": ".pdf",
    "application/pkcs12": ".p12 .pfx",
    "application/pkcs7-mime": ".p7c .p7m",
    "application/pkix-cert": ".cer .crt .der",
    "application/pkix-crl": ".crl",
    "application/postscript": ".ai .eps .ps",
    "application/rdf+xml": ".rdf",
    "application/rss+xml": ".rss",
    "application/rtf": ".rtf",
    "application/sparql-query": ".rq",
    "application/toml": ".toml",
    "application/trig": ".trig",
    "application/vnd.android.package-archive": ".apk",
    "application/vnd.apache.arrow.file": ".arrow .feather",
    "application/vnd.apache.arrow.stream": ".arrows",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apple.mpegurl": ".m3u8 .m3u",
    "application/vnd.apple.pkpass": ".pkpass",
    "application/vnd.debian.binary-package": ".deb",
    "application/vnd.google-earth.kml+xml": ".kml",
    "application/vnd.google-earth.kmz": ".kmz",
    "application/vnd.mapbox-vector-tile": ".mvt",
    "application/vnd.microsoft.portable-executable": ".dll .exe",
    "application/vnd.ms-excel": ".xls .xlb",
    "application/vnd.ms-fontobject": ".eot",
    "application/vnd.ms-powerpoint": ".ppt .pot .ppa .pps .pwz",
    "application/vnd.oasis.opendocument.graphics": ".odg",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.pmtiles": ".pmtiles",
    "application/vnd.rar": ".rar",
    "application/vnd.sqlite3": ".sqlite .sqlite3",
    "application/wasm": ".wasm",
    "application/wsdl+xml": ".wsdl",
    "application/x-7z-compressed": ".7z",
    "application/x-apple-aspen-config": ".mobileconfig",
    "application/x-apple-diskimage": ".dmg",
    "application/x-bittorrent": ".torrent",
    "application/x-bzip2": ".bz2",
    "application/x-hdf": ".hdf",
    "application/x-hdf5": ".h5 .hdf5",
    "application/x-iso9660-image": ".iso",
    "application/x-java-jnlp-file": ".jnlp",
    "application/x-latex": ".latex",
    "application/x-msi": ".msi",
    "application/x-netcdf": ".cdf .nc",
    "application/x-pem-file": ".pem",
    "application/x-protobuf": ".pbf",
    "application/x-redhat-package-manager": ".rpm",
    "application/x-subrip": ".srt",
    "application/x-tar": ".tar",
    "application/x-tex": ".tex",
    "application/x-texinfo": ".texi .texinfo",
    "application/x-xpinstall": ".xpi",
    "application/x-xz": ".xz",
    "application/xhtml+xml": ".xhtml",
    "application/xml": ".xml .xsl .xslt .xpdl",
    "application/xspf+xml": ".xspf",
    "application/yaml": ".yaml .yml",
    "application/zip": ".zip .whl",
    "application/zstd": ".zst",
    "audio/aac": ".aac .adts .ass .loas",
    "audio/basic": ".au .snd",
    "audio/flac": ".flac",
    "audio/matroska": ".mka",
    "audio/midi": ".mid .midi .kar",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3 .mp2",
    "audio/ogg": ".ogg .oga .opus",
    "audio/vnd.rn-realaudio": ".ra .ram",
    "audio/wav": ".wav",
    "audio/webm": ".weba",
    "audio/x-aiff": ".aif .aifc .aiff",
    "font/collection": ".ttc",
    "font/otf": ".otf",
    "font/ttf": ".ttf",
    "font/woff": ".woff",
    "font/woff2": ".woff2",
    "image/apng": ".apng",
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/emf": ".emf",
    "image/fits": ".fits",
    "image/g3fax": ".g3",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/ief": ".ief",
    "image/jp2": ".jp2",
    "image/jpeg": ".jpg .jpeg .jfif .jpe",
    "image/jpm": ".jpm",
    "image/jpx": ".jpx",
    "image/jxl": ".jxl",
    "image/pict": ".pct .pic .pict",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/t38": ".t38",
    "image/tiff": ".tif .tiff",
    "image/tiff-fx": ".tfx",
    "image/vnd.microsoft.icon": ".ico .cur",
    "image/vnd.wap.wbmp": ".wbmp",
    "image/webp": ".webp",
    "image/wmf": ".wmf",
    "image/x-cmu-raster": ".ras",
    "image/x-jng": ".jng",
    "image/x-portable-anymap": ".pnm",
    "image/x-portable-bitmap": ".pbm",
    "image/x-portable-graymap": ".pgm",
    "image/x-portable-pixmap": ".ppm",
    "image/x-rgb": ".rgb",
    "image/x-xbitmap": ".xbm",
    "image/x-xpixmap": ".xpm",
    "image/x-xwindowdump": ".xwd",
    "message/rfc822": ".eml .mht .mhtml .nws",
    "model/gltf+json": ".gltf",
    "model/gltf-binary": ".glb",
    "model/obj": ".obj",
    "model/ply": ".ply",
    "model/step": ".step .stp",
    "model/stl": ".stl",
    "model/vnd.usdz+zip": ".usdz",
    "text/calendar": ".ics",
    "text/css": ".css",
    "text/csv": ".csv",
    "text/html": ".html .htm",
    "text/javascript": ".js .mjs .cjs",
    "text/markdown": ".md .markdown",
    "text/n3": ".n3",
    "text/plain": (
        ".txt .text .log .conf .ini .cfg .c .h .cpp .go .java .jsx .kt .php .pl .py .rb .rs"
        " .sh .sql .swift .tsx .bat .csh .ksh .rst .tcl"
    ),
    "text/richtext": ".rtx",
    "text/tab-separated-values": ".tsv",
    "text/turtle": ".ttl",
    "text/vcard": ".vcf",
    "text/vtt": ".vtt",
    "text/x-setext": ".etx",
    "text/x-sgml": ".sgm .sgml",
    "video/3gpp": ".3gp .3gpp",
    "video/3gpp2": ".3g2 .3gpp2",
    "video/iso.segment": ".m4s",
    "video/matroska-3d": ".mk3d",
    "video/mp2t": ".ts",
    "video/mp4": ".mp4 .m4v",
    "video/mpeg": ".mpeg .mpg .m1v .mpa .mpe",
    "video/ogg": ".ogv",
    "video/quicktime": ".mov .qt",
    "video/webm": ".webm",
    "video/x-flv": ".flv",
    "video/x-matroska": ".mkv",
    "video/x-mng": ".mng",
    "video/x-ms-asf": ".asf .asx",
    "video/x-ms-wmv": ".wmv",
    "video/x-msvideo": ".avi",
    "video/x-sgi-movie": ".movie",
}
_BY_SUFFIX = {suffix: kind for kind, suffixes in _BY_TYPE.items() for suffix in suffixes.split()}

_OF_STORED = {
    ".gz": DEFAULT,
    ".zst": DEFAULT,
    ".svgz": "image/svg+xml",
    ".tgz": "application/x-tar",
}
"""What is in files with these suffixes, where their coding is told by Content-Encoding."""

_BY_NAME = {"apple-app-site-association": "application/json"}

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
        stored: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._names = _BY_NAME | {
            key: kind for key, kind in additions.items() if not key.startswith(".")
        }
        self._suffixes = {
            **_BY_SUFFIX,
            **{suffix: _OF_STORED[suffix] for suffix in _OF_STORED.keys() & stored.keys()},
            **{key.lower(): kind for key, kind in additions.items() if key.startswith(".")},
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
