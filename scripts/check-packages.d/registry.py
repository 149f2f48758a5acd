"""A registry for npm on this machine, with the packages of a folder: the way that users install is tried before they do.

usage: registry.py FOLDER PORT   prints a line when it listens
"""

import base64
import fcntl
import hashlib
import json
import socket
import struct
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 1, 64


def raise_loopback():
    """A new network namespace has a loopback device that is down; see netdevice(7)."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP | IFF_RUNNING))


def packages(folder, address):
    """The description of each package, as npm asks for it, and the archives by their paths."""
    described, archives = {}, {}
    for path in sorted(folder.glob("npm-*.tgz")):
        content = path.read_bytes()
        with tarfile.open(path) as archive:
            manifest = json.load(archive.extractfile("package/package.json"))
        digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
        manifest["dist"] = {"tarball": f"{address}/{path.name}", "integrity": f"sha512-{digest}"}
        name, version = manifest["name"], manifest["version"]
        # npm asks for a scope with its slash escaped.
        described["/" + name.replace("/", "%2f")] = {"name": name, "dist-tags": {"latest": version}, "versions": {version: manifest}}
        archives[f"/{path.name}"] = content
    return described, archives


def serve(folder, port):
    described, archives = packages(folder, f"http://127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        """Answers with a description or an archive."""

        def do_GET(self):
            content = archives.get(self.path)
            if self.path in described:
                content = json.dumps(described[self.path]).encode()
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"{}")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", port), Handler)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    try:
        raise_loopback()
    except PermissionError:
        pass
    serve(Path(sys.argv[1]), int(sys.argv[2]))
