"""`scripts/floors` on the sources as they are, and as they must not become."""

import json
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def package():
    command = ["swift", "package", "--ignore-lock", "dump-package"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


@pytest.fixture
def tree(tmp_path):
    for name in ("Sources", "Tests", "Benchmarks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=lambda folder, names: [
            name for name in names if "." in name and not name.endswith(".swift")])
    shutil.copy(ROOT / "ARCHITECTURE.md", tmp_path)
    return tmp_path


def floors(tree, package):
    (tree / "package.json").write_text(json.dumps(package))
    done = subprocess.run(
        [ROOT / "scripts/floors", "--root", tree, "--package", tree / "package.json"], capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def target(package, name):
    return next(target for target in package["targets"] if target["name"] == name)


def declare(package, name, other):
    target(package, name)["dependencies"].append({"byName": [other, None]})


def test_the_sources_are_in_order(tree, package):
    assert floors(tree, package) == (0, ["floors: every target stands on what it declares, and below itself"])


@pytest.mark.parametrize("line", ["import HTTPAPI", "package import HTTPAPI", "@testable import struct HTTPAPI.Route"])
def test_an_undeclared_import_is_found(tree, package, line):
    (tree / "Sources/Store/Sly.swift").write_text(f"// One line.\n{line}\n")
    assert floors(tree, package) == (
        1, ["Sources/Store/Sly.swift:2: Store imports HTTPAPI, which Package.swift does not declare for it"])


@pytest.mark.parametrize(
    "name, other, said", [
        ("Store", "HTTPAPI", "Store (floor 1) does not stand above HTTPAPI (floor 4)"),
        ("Swarm", "Accounts", "Swarm (floor 2) does not stand above Accounts (floor 2)"),
        ("Inference", "Cluster", "Inference (floor 3) does not stand above Cluster (floor 3.25)"),
        ("Acquisition", "Catalogue", "Acquisition (floor 3.25) does not stand above Catalogue (floor 3.5)"),
        ("Bytes", "Identifiers", "Bytes (floor 0) does not stand above Identifiers (floor 0)"),
        ("JSON", "GGUF", "JSON (floor 0) does not stand above GGUF (floor 0)"),
        ("Node", "ShoalCommands", "Node (floor 5) does not stand above ShoalCommands (floor roof)"),
    ])
def test_an_upward_import_is_found(tree, package, name, other, said):
    package = json.loads(json.dumps(package))
    declare(package, name, other)
    (tree / f"Sources/{name}/Sly.swift").write_text(f"import {other}\n")
    assert floors(tree, package) == (1, [f"Sources/{name}/Sly.swift:1: {said}"])


def test_what_is_declared_and_not_imported_is_found(tree, package):
    package = json.loads(json.dumps(package))
    declare(package, "HTTPAPI", "Events")
    assert floors(tree, package) == (1, ["Package.swift: HTTPAPI declares Events and does not import it"])


def test_each_target_has_a_floor_and_each_floor_its_targets(tree, package):
    page = tree / "ARCHITECTURE.md"
    page.write_text(page.read_text().replace("| 1 | `Store`, ", "| 1 | `Stores`, "))
    assert floors(tree, package) == (
        1, ["ARCHITECTURE.md: Stores has a floor and is no target", "ARCHITECTURE.md: Store has no floor"])
