"""Uses the Python package of the wheel as a script would."""

import os
import subprocess

import lokt

os.chdir("/tmp/project")
with lokt.lock("x") as held:
    denied = subprocess.run(["lokt", "guard", "x", "--", "true"], capture_output=True, check=False)
    assert denied.returncode == 2, denied
    assert held.fence and held.is_held
assert subprocess.run(["lokt", "guard", "x", "--", "true"], check=False).returncode == 0
