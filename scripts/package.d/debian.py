"""The Debian package."""

import os
import subprocess
import tempfile
from pathlib import Path

from archives import compressed

DESCRIPTION = """\
Description: locks, reservations and shared results for one repository
 Lokt makes concurrent work in one repository safe. Coding agents, CI jobs and
 people share one checkout, one build folder, one test database. Lokt runs their
 commands one at a time, keeps one from overwriting the other's edits, and shares
 results. It needs no daemon, no server and no configuration.
"""
# Debian's rules want a contact: of the person or team that publishes the package.
MAINTAINER = os.environ.get("LOKT_MAINTAINER", "Lokt maintainers <root@localhost>")


def write(out, built, tree, time):
    """Lays the tree out below /usr and packs it with dpkg-deb, which sorts it and takes SOURCE_DATE_EPOCH."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        folder.chmod(0o755)
        for path, content, mode in files(tree):
            put(folder / path, content, mode)
        size = sum(len(content) // 1024 + 1 for _, content, _ in files(tree))
        put(folder / "DEBIAN/control", control(built, size).encode(), 0o644)
        for path in sorted(folder.rglob("*")):
            os.utime(path, (time, time))
        name = f"lokt_{built.version}_{built.platform.debian}.deb"
        variables = os.environ | {"SOURCE_DATE_EPOCH": str(time), "DPKG_DEB_THREADS_MAX": "1"}
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", folder, out / name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=variables)


def files(tree):
    """The files of the package: path, content, mode. Pages and the changelog are compressed, as Debian wants."""
    doc = "share/doc/lokt/"
    for path, entry in sorted(tree.items()):
        content = entry.content
        if path.startswith("share/man/"):
            path, content = f"{path}.gz", compressed(content)
        elif path == f"{doc}CHANGELOG.md":
            path, content = f"{doc}changelog.gz", compressed(content)
        elif path.startswith(f"{doc}LICENSE") or path == f"{doc}THIRD-PARTY-LICENSES.txt":
            continue
        elif path.startswith("share/zsh/site-functions/"):
            path = path.replace("site-functions", "vendor-completions")
        yield f"usr/{path}", content, entry.mode
    yield f"usr/{doc}copyright", copyright_text(tree), 0o644


def copyright_text(tree):
    """All licences in the one file where Debian's users look."""
    own = "Lokt is licensed under the MIT licence or the Apache License 2.0, as you choose.\n"
    parts = [own.encode()]
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-LICENSES.txt"]:
        parts.append(b"\n" + tree[f"share/doc/lokt/{name}"].content)
    return b"".join(parts)


def control(built, size):
    address = os.environ.get("LOKT_REPOSITORY")
    homepage = f"Homepage: {address}\n" if address else ""
    return (
        f"Package: lokt\nVersion: {built.version}\nArchitecture: {built.platform.debian}\n"
        f"Maintainer: {MAINTAINER}\nInstalled-Size: {size}\nSuggests: git, bash-completion\n"
        f"Section: utils\nPriority: optional\n{homepage}{DESCRIPTION}"
    )


def put(path, content, mode):
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
