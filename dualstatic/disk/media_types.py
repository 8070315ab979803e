"""The media type of a name, by a table of our own: the same on every host."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT = "application/octet-stream"

_BY_TYPE = {
    "application/atom+xml": ".atom",
    "application/epub+zip": ".epub",
    "application/geo+json": ".geojson",
    "application/gzip": ".gz .tgz",
    "application/java-archive": ".jar",
    "application/json": ".json .map",
    "application/ld+json": ".jsonld",
    "application/manifest+json": ".webmanifest",
    "application/msword": ".doc",
    "application/ogg": ".ogx",
    "application/pdf": ".pdf",
    "application/rss+xml": ".rss",
    "application/rtf": ".rtf",
    "application/toml": ".toml",
    "application/vnd.android.package-archive": ".apk",
    "application/vnd.apple.mpegurl": ".m3u8",
    "application/vnd.debian.binary-package": ".deb",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-fontobject": ".eot",
    "application/vnd.ms-powerpoint": ".ppt",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.rar": ".rar",
    "application/wasm": ".wasm",
    "application/x-7z-compressed": ".7z",
    "application/x-bzip2": ".bz2",
    "application/x-tar": ".tar",
    "application/x-xz": ".xz",
    "application/xhtml+xml": ".xhtml",
    "application/xml": ".xml .xsl .xslt",
    "application/yaml": ".yaml .yml",
    "application/zip": ".zip .whl",
    "application/zstd": ".zst",
    "audio/aac": ".aac",
    "audio/flac": ".flac",
    "audio/midi": ".mid .midi",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg .oga .opus",
    "audio/wav": ".wav",
    "audio/webm": ".weba",
    "font/collection": ".ttc",
    "font/otf": ".otf",
    "font/ttf": ".ttf",
    "font/woff": ".woff",
    "font/woff2": ".woff2",
    "image/apng": ".apng",
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/jpeg": ".jpg .jpeg .jfif",
    "image/jxl": ".jxl",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/tiff": ".tif .tiff",
    "image/vnd.microsoft.icon": ".ico .cur",
    "image/webp": ".webp",
    "model/gltf+json": ".gltf",
    "model/gltf-binary": ".glb",
    "text/calendar": ".ics",
    "text/css": ".css",
    "text/csv": ".csv",
    "text/html": ".html .htm",
    "text/javascript": ".js .mjs .cjs",
    "text/markdown": ".md .markdown",
    "text/plain": (
        ".txt .text .log .conf .ini .cfg .c .h .cpp .go .java .jsx .kt .php .pl .py .rb .rs .sh"
        " .sql .swift .tsx"
    ),
    "text/tab-separated-values": ".tsv",
    "text/vcard": ".vcf",
    "text/vtt": ".vtt",
    "video/mp2t": ".ts",
    "video/mp4": ".mp4 .m4v",
    "video/mpeg": ".mpeg .mpg",
    "video/ogg": ".ogv",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
}
_BY_SUFFIX = {suffix: kind for kind, suffixes in _BY_TYPE.items() for suffix in suffixes.split()}

_PAGES = ("text/html", "application/xhtml+xml")


class MediaTypes:
    """Media types by whole file name, else by the longest suffix that the table knows."""

    def __init__(self, additions: Mapping[str, str], charset: str | None) -> None:
        self._names = {key: kind for key, kind in additions.items() if not key.startswith(".")}
        self._suffixes = _BY_SUFFIX | {
            key.lower(): kind for key, kind in additions.items() if key.startswith(".")
        }
        self._charset = charset

    def __call__(self, name: str) -> str:
        """The Content-Type of a name; its segments before the last don't matter."""
        leaf = name.rpartition("/")[2]
        kind = self._names.get(leaf) or self._by_suffix(leaf.lower())
        lower = kind.lower()
        if self._charset and lower.startswith("text/") and "charset=" not in lower:
            return f"{kind}; charset={self._charset}"
        return kind

    def is_asset(self, path: str) -> bool:
        """Whether a path names a kind of file, by a known suffix, that is no page."""
        kind = self._by_suffix(path.rpartition("/")[2].lower())
        return kind != DEFAULT and not kind.startswith(_PAGES)

    def _by_suffix(self, leaf: str) -> str:
        dot = leaf.find(".")
        while dot >= 0:
            if kind := self._suffixes.get(leaf[dot:]):
                return kind
            dot = leaf.find(".", dot + 1)
        return DEFAULT
