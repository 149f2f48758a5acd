"""The list of the parts of the program, in the form of CycloneDX 1.5: for those who look for vulnerable parts."""

import json
import tomllib


def write(path, repository, built, crates):
    lock = tomllib.loads((repository / "Cargo.lock").read_text())
    sums = {(it["name"], it["version"]): it.get("checksum") for it in lock["package"]}
    program = {"type": "application", "name": "lokt", "version": built.version}
    program["properties"] = [{"name": "commit", "value": built.commit}]
    parts = [component(it, sums.get((it["name"], it["version"]))) for it in crates]
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1}
    bill |= {"metadata": {"component": program}, "components": parts}
    path.write_text(json.dumps(bill, indent=1) + "\n")


def component(crate, checksum):
    found = {"type": "library", "name": crate["name"], "version": crate["version"]}
    found["purl"] = f"pkg:cargo/{crate['name']}@{crate['version']}"
    if crate["license"]:
        # An older form of "or" that crates have.
        found["licenses"] = [{"expression": crate["license"].replace("/", " OR ")}]
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found
