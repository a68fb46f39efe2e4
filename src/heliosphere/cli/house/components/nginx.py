"""nginx: serves customers' sites, one file per site written by the agent."""

from __future__ import annotations

import os
from pathlib import Path

from heliosphere.cli.house import probes
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.places import write

CONFIG = """\
# Written by heliosphere up; changes are overwritten. Sites are in {sites}.
{user}daemon off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {log}/nginx.log warn;
events {{
    worker_connections 512;
}}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    server_tokens off;
    sendfile on;
    server_names_hash_bucket_size 256;
    access_log off;
    client_body_temp_path {tmp}/body;
    proxy_temp_path {tmp}/proxy;
    fastcgi_temp_path {tmp}/fastcgi;
    uwsgi_temp_path {tmp}/uwsgi;
    scgi_temp_path {tmp}/scgi;
    # The first server is the default one.
    server {{
        include {etc}/listen.conf;
        server_name _;
        default_type text/plain;
        location / {{
            return 404 "No site of this name lives here.\\n";
        }}
    }}
    include {sites}/*.conf;
}}
"""


def configure(house: House) -> None:
    places = house.places
    temporary = places.run / "nginx"
    temporary.mkdir(exist_ok=True)
    (places.etc / "nginx").mkdir(exist_ok=True)
    text = CONFIG.format(
        sites=places.web_conf,
        user="user root;\n" if os.geteuid() == 0 else "",
        run=places.run,
        log=places.log,
        tmp=temporary,
        etc=places.etc / "nginx",
    )
    write(places.etc / "nginx" / "nginx.conf", text)
    write(listen_file(house), f"listen {house.address('web')};\n")


def listen_file(house: House) -> Path:
    """Site files include it, so that a house started on other ports needs no site written again."""
    return house.places.etc / "nginx" / "listen.conf"


NGINX = Component(
    name="nginx",
    what_for="web server for customers' sites",
    packages=("nginx-core",),
    programs=("nginx", "/etc/nginx/mime.types"),
    ports=("web",),
    configure=configure,
    argv=lambda house: [
        "/usr/sbin/nginx",
        "-c",
        str(house.places.etc / "nginx" / "nginx.conf"),
        "-e",
        str(house.places.log / "nginx.log"),
    ],
    ready=probes.answers_http("web"),
    memory="about 8 MB",
    stop_signal=3,
)
