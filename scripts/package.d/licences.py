"""The licences of everything that is linked into the program.

That is: the crates that are compiled into it, the standard library of Rust, and the C library. Crates that only run
while the program is compiled (macros, build scripts) are no part of it.

A crate's texts are the files in its package. A package without any gets those of another package of the same
repository, or the notice in packaging/notices.toml. Without one of these, there is no package of Lokt.
"""

import json
import re
import subprocess
import tomllib
from pathlib import Path

FILE = re.compile(r"(?:licen[sc]e|copying|notice|copyright|unlicense)", re.IGNORECASE)
NO_FILE = re.compile(r"\.(?:rs|toml|sh|py|spdx)$")
LINE = "=" * 100
# Where Debian and its descendants keep the licence of the C library and its text.
GLIBC = Path("/usr/share/doc/libc6/copyright")
LGPL = Path("/usr/share/common-licenses/LGPL-2.1")

INTRODUCTION = """\
Licences of the parts of Lokt

Lokt itself is licensed under the MIT licence or the Apache License 2.0, as you choose. The program contains the parts
below, each under its own licence.
"""
GLIBC_INTRODUCTION = """\
The GNU C Library, under the GNU Lesser General Public License 2.1 or later

The program is linked with it statically. You may replace it: the source of Lokt is public under the licences above, and
scripts/build in it links the program with the C library of the machine where it runs. The source of the C library is
the package glibc of the Linux distribution that the program was built on.
"""


def collect(repository, target, crates):
    """The text of all licences. Raises ValueError if one is missing."""
    notices = tomllib.loads((repository / "packaging/notices.toml").read_text())
    texts, missing = texts_by_crate(crates, notices)
    if missing:
        raise ValueError(f"no licence text of {', '.join(missing)}; add a notice to packaging/notices.toml")
    parts = [INTRODUCTION, crate_list(crates)]
    parts += [f"Of {', '.join(names)}:\n\n{text}" for text, names in grouped(texts)]
    parts.append(standard_library())
    if target.endswith("-gnu"):
        parts.append(f"{GLIBC_INTRODUCTION}\n{read(LGPL)}\n\n{read(GLIBC)}")
    return f"\n{LINE}\n\n".join(part.rstrip() + "\n" for part in parts)


def read(path):
    """Reads a text of the machine that builds."""
    if not path.is_file():
        raise ValueError(f"{path} is missing: it has the licence of a part that is linked into the program")
    return path.read_text(errors="replace")


def linked_crates(repository, target):
    """The packages, as cargo's metadata has them, that are linked into the program; sorted, without Lokt's own."""
    tree = ["cargo", "tree", "--locked", "-p", "lokt-cli", "--target", target]
    tree += ["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]
    lines = output(repository, tree).splitlines()
    linked = {tuple(line.split(" ")[:2]) for line in lines if line}
    metadata = ["cargo", "metadata", "--locked", "--filter-platform", target, "--format-version", "1"]
    packages = json.loads(output(repository, metadata))["packages"]
    found = [it for it in packages if (it["name"], f"v{it['version']}") in linked and it["source"]]
    return sorted(found, key=lambda it: (it["name"], it["version"]))


def output(folder, command):
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def texts_by_crate(crates, notices):
    """The texts of each crate by its name with its version, and the crates without."""
    own = {title(it): own_texts(it) for it in crates}
    by_repository = {}
    for crate in crates:
        if own[title(crate)]:
            by_repository.setdefault((crate["repository"], crate["license"]), own[title(crate)])
    texts, missing = {}, []
    for crate in crates:
        found = own[title(crate)] or by_repository.get((crate["repository"], crate["license"]))
        found = found or notice(crate, notices)
        texts[title(crate)] = found
        if not found:
            missing.append(title(crate))
    return texts, missing


def title(crate):
    return f"{crate['name']} {crate['version']}"


def own_texts(crate):
    """The files of a package that have its licence or its notices."""
    folder = Path(crate["manifest_path"]).parent
    named = {folder / crate["license_file"]} if crate["license_file"] else set()
    named |= {path for path in folder.iterdir() if FILE.match(path.name) and not NO_FILE.search(path.name)}
    files = set()
    for path in named:
        files |= set(path.iterdir()) if path.is_dir() else {path}
    return [path.read_text(errors="replace") for path in sorted(files) if path.is_file()]


def notice(crate, notices):
    """The notice of a repository whose packages have no file, followed by the text of its licence."""
    for entry in notices["repository"]:
        if entry["address"] == crate["repository"] and entry["licence"] == crate["license"]:
            return [f"{entry['notice']}\n\n{notices['licence'][entry['licence']]}"]
    return []


def crate_list(crates):
    lines = [f"{title(it)}: {it['license'] or 'see its text'}, {it['repository'] or 'no address'}" for it in crates]
    return "Crates:\n\n" + "\n".join(lines)


def grouped(texts):
    """Each text once, with the crates that have it, in the order of the first."""
    crates = {}
    for name, own in texts.items():
        for text in own:
            words = " ".join(text.split())
            crates.setdefault(words, (text.strip("\n"), []))[1].append(name)
    return list(crates.values())


def standard_library():
    """The licences of Rust's standard library and of the crates in it, from the page that comes with the compiler."""
    root = Path(output(".", ["rustc", "--print", "sysroot"]).strip())
    page = read(root / "share/doc/rust/COPYRIGHT-library.html")
    text = re.sub(r"<(?:style|script)\b.*?</(?:style|script)>", "", page, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", "", text)
    for name, sign in {"lt": "<", "gt": ">", "quot": '"', "#x27": "'", "#39": "'", "amp": "&"}.items():
        text = text.replace(f"&{name};", sign)
    text = re.sub(r"[ \t]+\n", "\n", text)
    return "The standard library of Rust\n\n" + re.sub(r"\n{3,}", "\n\n", text).strip()
