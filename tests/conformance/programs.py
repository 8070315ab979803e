"""nginx and Caddy as servers of the tree: a virtual host for each setting."""

from __future__ import annotations

from pathlib import Path

from benchmarks import machine
from benchmarks.contenders import NotInstalled
from benchmarks.processes import Launch
from tests.cases.site import LINKED, ODD, PLAIN
from tests.support.launch import HOST

NGINX = """\
daemon off;
worker_processes 1;
pid {scratch}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 512; }}
http {{
    access_log off;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    charset utf-8;
    charset_types text/css text/plain text/javascript application/javascript;
    gzip_static on;
    gzip_vary on;
    absolute_redirect off;
    if_modified_since before;
    large_client_header_buffers 8 64k;
    client_max_body_size 8m;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    root {plain};
    server {{ listen {host}:{port} default_server; server_name pages; {hidden} }}
    server {{
        listen {host}:{port}; server_name alone; {hidden}
        error_page 404 /404.html;
    }}
    server {{
        listen {host}:{port}; server_name clean; {hidden}
        location / {{ try_files $uri $uri.html $uri/index.html =404; }}
        location ~ /$ {{ try_files ${{uri}}index.html =404; }}
    }}
    server {{ listen {host}:{port}; server_name dotted; }}
    server {{ listen {host}:{port}; server_name odd devices; root {odd}; {hidden} }}
    server {{ listen {host}:{port}; server_name follow; root {linked}; }}
    server {{
        listen {host}:{port}; server_name confine; {hidden}
        root {linked};
        disable_symlinks on from=$document_root;
    }}
    server {{
        listen {host}:{port}; server_name ruled; {hidden}
        location ~ "\\.[0-9a-f]{{8}}\\.\\w+$" {{
            add_header Cache-Control "public, max-age=31536000, immutable";
        }}
    }}
}}
"""
NGINX_HIDDEN = r"location ^~ /.well-known/ { } location ~ /\. { return 404; }"


def nginx(root: Path, port: int, scratch: Path) -> Launch:
    config = scratch / "nginx.conf"
    config.write_text(
        NGINX.format(scratch=scratch, host=HOST, port=port, hidden=NGINX_HIDDEN, **_roots(root))
    )
    return Launch(_program("nginx", "-c", str(config), "-p", str(scratch), "-e", "stderr"))


CADDY = """\
{{
    admin off
    auto_https off
    http_port {port}
    servers {{
        max_header_size 1MB
    }}
}}
(files) {{
    bind {host}
    root * {plain}
}}
(plain) {{
    @hidden {{
        path_regexp /\\.
        not path /.well-known/*
    }}
    error @hidden 404
    file_server {{
        precompressed zstd br gzip
    }}
}}
http://:{port} {{
    import files
    import plain
}}
http://alone:{port} {{
    import files
    import plain
    handle_errors {{
        rewrite * /404.html
        file_server {{
            precompressed zstd br gzip
        }}
    }}
}}
http://clean:{port} {{
    import files
    try_files {{path}} {{path}}.html {{path}}/index.html
    import plain
}}
http://dotted:{port} {{
    import files
    file_server
}}
http://odd:{port} http://devices:{port} {{
    bind {host}
    root * {odd}
    import plain
}}
http://confine:{port} http://follow:{port} {{
    bind {host}
    root * {linked}
    import plain
}}
http://ruled:{port} {{
    import files
    @hashed {{
        file
        path_regexp \\.[0-9a-f]{{8}}\\.\\w+$
    }}
    header @hashed Cache-Control "public, max-age=31536000, immutable"
    import plain
}}
"""


def caddy(root: Path, port: int, scratch: Path) -> Launch:
    config = scratch / "Caddyfile"
    config.write_text(CADDY.format(host=HOST, port=port, **_roots(root)))
    home = {"XDG_CONFIG_HOME": str(scratch), "XDG_DATA_HOME": str(scratch)}
    return Launch(_program("caddy", "run", "--config", str(config), "--adapter", "caddyfile"), home)


def _roots(root: Path) -> dict[str, str]:
    return {"plain": str(root / PLAIN), "linked": str(root / LINKED), "odd": str(root / ODD)}


def _program(name: str, *arguments: str) -> list[str]:
    found = machine.program(name)
    if found is None:
        raise NotInstalled(f"{name} is not installed")
    return [found, *arguments]


LAUNCHES = {"nginx": nginx, "Caddy": caddy}
