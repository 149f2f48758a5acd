"""The Python wheel: the package `lokt`, and the program with its pages and completions.

The form is that of PEP 427 and the platform tags of PEP 600 and PEP 656. A static program needs neither a C library
nor a version of Python, so it has the tags of the oldest ones.
"""

import base64
import hashlib
import os

from archives import Entry, write_zip

ABOUT = "Locks, reservations and shared results for concurrent work in one repository"
PYTHON = ">=3.9"
TAGS = ["manylinux_2_17", "manylinux2014", "musllinux_1_1"]


def write(out, built, tree, time, repository):
    release = f"lokt-{built.version}"
    platforms = [f"{tag}_{built.platform.name}" for tag in TAGS]
    files = front(repository) | installed(release, tree) | about(release, built, tree, platforms, repository)
    files[f"{release}.dist-info/RECORD"] = record(release, files)
    write_zip(out / f"{release}-py3-none-{'.'.join(platforms)}.whl", files, time)


def front(repository):
    """The modules of the package."""
    source = repository / "packaging/python"
    paths = sorted(path for path in (source / "lokt").iterdir() if path.suffix in (".py", ".typed"))
    return {str(path.relative_to(source)): Entry(path.read_bytes()) for path in paths}


def installed(release, tree):
    """What pip copies below the prefix."""
    files = {}
    for path, entry in sorted(tree.items()):
        place = "scripts/lokt" if path == "bin/lokt" else f"data/{path}"
        if not path.startswith("share/doc/"):
            files[f"{release}.data/{place}"] = entry
    return files


def about(release, built, tree, platforms, repository):
    folder = f"{release}.dist-info"
    licences = {path.rsplit("/", 1)[1]: entry for path, entry in tree.items() if "LICENSE" in path}
    readme = (repository / "packaging/python/README.md").read_text()
    address = os.environ.get("LOKT_REPOSITORY")
    metadata = [
        "Metadata-Version: 2.4",
        "Name: lokt",
        f"Version: {built.version}",
        f"Summary: {ABOUT}",
        "Keywords: lock,mutex,ci,agents,flock",
        "License-Expression: MIT OR Apache-2.0",
        *(f"License-File: {name}" for name in licences),
        "Classifier: Operating System :: POSIX :: Linux",
        "Classifier: Programming Language :: Python :: 3",
        "Classifier: Typing :: Typed",
        *([f"Project-URL: Repository, {address}"] if address else []),
        f"Requires-Python: {PYTHON}",
        "Description-Content-Type: text/markdown",
        "",
        readme,
    ]
    tags = "".join(f"Tag: py3-none-{platform}\n" for platform in platforms)
    wheel = f"Wheel-Version: 1.0\nGenerator: lokt\nRoot-Is-Purelib: false\n{tags}"
    files = {f"{folder}/METADATA": Entry("\n".join(metadata).encode()), f"{folder}/WHEEL": Entry(wheel.encode())}
    return files | {f"{folder}/licenses/{name}": entry for name, entry in licences.items()}


def record(release, files):
    """The list of all files with their hashes, as pip checks and removes them."""
    lines = []
    for path, entry in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(entry.content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(entry.content)}\n")
    return Entry("".join([*lines, f"{release}.dist-info/RECORD,,\n"]).encode())
