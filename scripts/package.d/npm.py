"""The npm packages: one with the program for each kind of machine, and one that chooses among them."""

import json
import os

from archives import Entry, write_tar_gz

ABOUT = "Locks, reservations and shared results for concurrent work in one repository"
KEYWORDS = ["lock", "mutex", "ci", "agents", "flock"]
NODE = ">=18"
# For which kinds of machines there are packages: the chooser names all of them, and npm installs the one that fits.
PROCESSORS = ["x64"]


def write(out, built, tree, time, repository):
    common = {
        "version": built.version,
        "description": ABOUT,
        "keywords": KEYWORDS,
        "license": "MIT OR Apache-2.0",
    }
    address = os.environ.get("LOKT_REPOSITORY")
    if address:
        common["repository"] = {"type": "git", "url": f"git+{address}.git"}
    for name, files in [program_package(built, tree, common), choosing_package(tree, common, repository)]:
        write_tar_gz(out / f"npm-{name.strip('@').replace('/', '-')}-{built.version}.tgz", files, "package", time)


def program_package(built, tree, common):
    """The program and its licences. `bin` links the program itself where npm installs into a project."""
    node = built.platform.node
    # npm links a command for the first package by name: this one sorts before "lokt".
    name = f"@lokt/linux-{node}"
    manifest = {"name": name} | common
    manifest |= {"os": ["linux"], "cpu": [node], "bin": {"lokt": "bin/lokt"}, "preferUnplugged": True}
    readme = Entry(f"# {name}\n\nThe program of the npm package `lokt` for Linux, {node}. Install `lokt`.\n".encode())
    files = {"package.json": manifest_entry(manifest), "README.md": readme, "bin/lokt": tree["bin/lokt"]}
    return name, files | {path.rsplit("/", 1)[1]: entry for path, entry in tree.items() if "LICENSE" in path}


def choosing_package(tree, common, repository):
    """The package that users name. npm installs manual pages only of such a package, and only globally."""
    source = repository / "packaging/npm"
    manifest = {"name": "lokt"} | common
    manifest |= {"bin": {"lokt": "bin/lokt.js"}, "engines": {"node": NODE}}
    manifest |= {"optionalDependencies": {f"@lokt/linux-{it}": common["version"] for it in PROCESSORS}}
    shared = {path: entry for path, entry in tree.items() if path.startswith("share/") and "/doc/" not in path}
    manifest |= {"man": [path for path in sorted(shared) if path.startswith("share/man/")]}
    files = {"package.json": manifest_entry(manifest)} | shared
    files["bin/lokt.js"] = Entry((source / "lokt.js").read_bytes(), 0o755)
    files["README.md"] = Entry((source / "README.md").read_bytes())
    for name in ["LICENSE-MIT", "LICENSE-APACHE"]:
        files[name] = tree[f"share/doc/lokt/{name}"]
    return "lokt", files


def manifest_entry(manifest):
    return Entry((json.dumps(manifest, indent=2) + "\n").encode())
