"""What a built program says about itself: its version, its processor, its pages and its completions."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Platform:
    """The names that the kinds of packages have for one kind of processor."""

    name: str
    target: str
    debian: str
    node: str


# By e_machine of the file's ELF header, see elf(5).
PLATFORMS = {
    62: Platform("x86_64", "x86_64-unknown-linux-gnu", "amd64", "x64"),
    183: Platform("aarch64", "aarch64-unknown-linux-gnu", "arm64", "arm64"),
}
PT_INTERP = 3


@dataclass(frozen=True)
class Program:
    """A built program."""

    path: Path
    version: str
    commit: str
    platform: Platform
    pages: dict
    completions: dict

    @property
    def target(self):
        return self.platform.target

    @property
    def file_name(self):
        """The name of the bare program, and of the tar archive without its suffix."""
        return f"lokt-{self.version}-{self.platform.name}-linux"


def describe(path):
    """Asks the program at `path`, which must be static: the packages say that they run on every Linux."""
    platform = platform_of(path)
    said = json.loads(run(path, "version", "--json"))
    return Program(path, said["version"], said["commit"] or "unknown", platform, pages(path), completions(path))


def platform_of(path):
    """Reads the ELF header."""
    head = path.read_bytes()
    if head[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{path} is not a 64-bit program for Linux")
    platform = PLATFORMS.get(int.from_bytes(head[18:20], "little"))
    if platform is None:
        raise ValueError(f"{path} is for a kind of processor that has no packages")
    offset, size, count = (int.from_bytes(head[at : at + n], "little") for at, n in [(32, 8), (54, 2), (56, 2)])
    kinds = (int.from_bytes(head[offset + i * size : offset + i * size + 4], "little") for i in range(count))
    if PT_INTERP in kinds:
        raise ValueError(f"{path} is linked dynamically; scripts/build makes a static program")
    return platform


def run(path, *words):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOKT_")}
    return subprocess.run([path, *words], check=True, stdout=subprocess.PIPE, env=clean).stdout


def pages(path):
    """The manual pages by their file names."""
    with tempfile.TemporaryDirectory() as folder:
        run(path, "man", "--dir", folder)
        return {page.name: page.read_bytes() for page in sorted(Path(folder).iterdir())}


def completions(path):
    """The scripts that complete, by their places below a prefix, where the shells look for them."""
    return {
        "share/bash-completion/completions/lokt": run(path, "completions", "bash"),
        "share/zsh/site-functions/_lokt": run(path, "completions", "zsh"),
        "share/fish/vendor_completions.d/lokt.fish": run(path, "completions", "fish"),
    }
