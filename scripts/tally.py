"""Sums the JUnit reports of a folder and prints `N passed, N failed` as its last line.

    tally.py FOLDER [BROKEN-STEP…]

A step that broke without a failed test in any report counts as one failure (a crash writes no report). Exit status 0 only
when something ran and nothing failed.
"""

import pathlib
import sys
import xml.etree.ElementTree


def main(folder: str, *broken: str) -> int:
    passed = failed = skipped = 0
    for path in sorted(pathlib.Path(folder).glob("*.xml")):
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            name = f"{case.get('classname')} {case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"failed: {name}")
            elif case.find("skipped") is not None:
                skipped += 1
                print(f"skipped: {name}")
            else:
                passed += 1
    for step in broken:
        print(f"broke off: {step}")
    if broken and failed == 0:
        failed = len(broken)
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
