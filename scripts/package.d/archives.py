"""Trees of files in memory, and archives of them whose bytes depend on nothing else."""

import gzip
import io
import tarfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Entry:
    """A file of a package."""

    content: bytes
    mode: int = 0o644


def installed_tree(repository, built, notices):
    """What is installed below a prefix, by path: the program, pages, completions, licences."""
    tree = {"bin/lokt": Entry(built.path.read_bytes(), 0o755)}
    tree |= {f"share/man/man1/{name}": Entry(page) for name, page in built.pages.items()}
    tree |= {path: Entry(script) for path, script in built.completions.items()}
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "CHANGELOG.md"]:
        tree[f"share/doc/lokt/{name}"] = Entry((repository / name).read_bytes())
    tree["share/doc/lokt/THIRD-PARTY-LICENSES.txt"] = Entry(notices.encode())
    return tree


def tar(tree, top, time):
    """A tar archive of a tree below the folder `top`: sorted, owned by root, all times the same."""
    bytes_ = io.BytesIO()
    with tarfile.open(fileobj=bytes_, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, entry in sorted(tree.items()):
            member = tarfile.TarInfo(f"{top}/{path}")
            member.size, member.mode, member.mtime = len(entry.content), entry.mode, time
            member.uname = member.gname = "root"
            archive.addfile(member, io.BytesIO(entry.content))
    return bytes_.getvalue()


def compressed(content):
    """As `gzip -9n` does: without a name and a time."""
    return gzip.compress(content, 9, mtime=0)


def write_tar_gz(path, tree, top, time):
    path.write_bytes(compressed(tar(tree, top, time)))


def write_zip(path, tree, time):
    """A zip archive of a tree, in the order of the tree."""
    # A zip archive knows no year before 1980.
    moment = max(datetime.fromtimestamp(time, UTC).timetuple()[:6], (1980, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, entry in tree.items():
            member = zipfile.ZipInfo(name, moment)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = (0o100000 | entry.mode) << 16
            archive.writestr(member, entry.content)
