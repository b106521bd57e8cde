# SPDX-License-Identifier: GPL-3.0-or-later
"""`otter test`: the parts of the suite, one after another, and their sum.

A part is a folder below tests/ with pytest files in it; `unit` is also `make check`.
By hand: `sanitize` is everything once more, on a build with the sanitizers; `fuzz` runs each
fuzz target for a minute (FUZZ_SECONDS). `storm` lasts STORM_SECONDS, by STORM_SEED. `--deep` adds what takes too long for every day.
"""

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass

from otterctl import build, checkout, output, packages
from otterctl.errors import DONE, FAILED, USAGE, Failure

TESTS = checkout.ROOT / "tests"
FIRST = ["unit", "build", "install", "api", "signaling", "web"]  # then the others by name
BY_HAND = {"artifacts", "bench", "fuzz", "harness", "soak"}
SANITIZE = "sanitize"
FUZZ = "fuzz"
BENCH = "bench"
PART_LIMIT_S = 75 * 60
KILL_AFTER_S = 15
PYTEST_NO_TESTS = 5


@dataclass
class Result:
    """How many tests of a part ended how, and in what time."""

    part: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0

    def add(self, passed, failed, skipped):
        """Counts more tests."""
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


def add_arguments(parser):
    """Its options."""
    parser.add_argument("part", nargs="?",
                        help=f"one of {', '.join(parts())}, {SANITIZE}, {FUZZ}, {BENCH}; else all but these three")
    parser.add_argument("--deep", action="store_true", help="the longer tests too")


def parts():
    """The parts that this checkout has, in the order in which they run."""
    folders = {path.parent.name for path in TESTS.glob("*/test_*.py")} | {"unit"}
    known = [part for part in FIRST if part in folders]
    return known + sorted(folders - set(known) - BY_HAND)


def run(args):
    """Runs the parts; fails when a test failed, or none ran."""
    wanted = _wanted(args.part)
    out = sys.stderr if args.json else sys.stdout
    place = build.folder()
    place.mkdir(parents=True, exist_ok=True)
    with output.step("packages") as step:
        installed = packages.ensure(packages.needed(checkout.debian_janus(), _packages(args)))
        step.note = f"{len(installed)} installed" if installed else "nothing is missing"
    with output.step("build") as step:
        step.note = build.ensure(place / "build.log")
    results = [_run_part(part, place, args.deep, out) for part in wanted]
    return _report(results, args.json, out)


def _packages(args):
    """What the tests need beyond a build: containers are for root alone, and a load is made by hand."""
    deep = packages.DEEP if args.deep and os.geteuid() == 0 else []
    return packages.TEST + deep + (packages.BENCH if args.part == BENCH else [])


def _wanted(part):
    if part == SANITIZE:
        os.environ["OTTER_SANITIZE"] = "1"
    if part in (None, SANITIZE):
        return parts()
    if part not in [*parts(), FUZZ, BENCH]:
        raise Failure(f"there is no part {part}; choose of {', '.join(parts())}, {SANITIZE}, {FUZZ}, {BENCH}",
                      USAGE)
    return [part]


def _run_part(part, place, deep, out):
    print(f"\n== {part}", file=out, flush=True)
    result = Result(part)
    started = time.monotonic()
    if part == "unit":
        _make_check(place, deep, result, out)
    if any((TESTS / part).glob("test_*.py")):
        _pytest(part, place, deep, result, out)
    if part == FUZZ:
        _fuzz(place, result, out)
    if part == BENCH:
        _bench(place, result, out)
    result.seconds = time.monotonic() - started
    return result


def _make_check(place, deep, result, out):
    for old in place.rglob("*.trs"):
        old.unlink()
    code = _finish(["make", "check", *(["OTTER_DEEP=1"] if deep else [])], place, out)
    counted = [_trs(path) for path in sorted(place.rglob("*.trs"))]
    for words in counted:
        passed = words.count("PASS") + words.count("XFAIL")
        skipped = words.count("SKIP")
        result.add(passed, len(words) - passed - skipped, skipped)
    if code != 0 and result.failed == 0:
        result.add(0, 1, 0)


def _trs(path):
    """The results in one of automake's .trs files."""
    return [line.split()[1] for line in path.read_text(errors="replace").splitlines()
            if line.startswith(":test-result:")]


def _fuzz(place, result, out):
    """A target that finds something ends the run; the others have survived."""
    seconds = os.environ.get("FUZZ_SECONDS", "60")
    code = _finish(["make", "fuzz-run", f"FUZZ_SECONDS={seconds}"], place, out)
    result.add(int(code == 0), int(code != 0), 0)


def _bench(place, result, out):
    """It measures and judges nothing: it fails when it cannot measure."""
    for script in sorted((TESTS / BENCH).glob("*.py")):
        code = _finish(["/usr/bin/python3", str(script)], place, out)
        result.add(int(code == 0), int(code != 0), 0)


def _pytest(part, place, deep, result, out):
    xml_file = place / "results" / f"{part}.xml"
    xml_file.parent.mkdir(exist_ok=True)
    xml_file.unlink(missing_ok=True)
    code = _finish(["/usr/bin/python3", "-m", "pytest", "-q", f"--junitxml={xml_file}",
                    *(["--deep"] if deep else []), str(TESTS / part)], checkout.ROOT, out)
    failed_before = result.failed
    if xml_file.exists():
        result.add(*_junit(xml_file))
    if code not in (0, PYTEST_NO_TESTS) and result.failed == failed_before:
        result.add(0, 1, 0)


def _junit(path):
    """(passed, failed, skipped) of pytest's JUnit file."""
    tests = failed = skipped = 0
    for suite in xml.parse(path).getroot().iter("testsuite"):
        tests += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return max(tests - failed - skipped, 0), failed, skipped


def _finish(command, place, out):
    """The exit code of a command that may take PART_LIMIT_S, with all that it starts."""
    out.flush()
    process = subprocess.Popen(command, cwd=place, stdin=subprocess.DEVNULL, stdout=out,
                               stderr=subprocess.STDOUT, env=_environment(),
                               start_new_session=True)
    try:
        return process.wait(PART_LIMIT_S)
    except subprocess.TimeoutExpired:
        print(f"it took longer than {PART_LIMIT_S} s and was ended", file=out, flush=True)
        return FAILED
    finally:
        _end(process)


def _end(process):
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)  # so that fixtures end what they started
    try:
        process.wait(KILL_AFTER_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment():
    """What tests find: where the build and its stage are."""
    return {**build.environment(), "OTTER_BUILD": str(build.folder()),
            "OTTER_STAGE": str(build.stage())}


def _report(results, as_json, out):
    total = Result("all")
    print(f"\n{'part':<12}{'passed':>8}{'failed':>8}{'skipped':>9}{'time':>10}", file=out)
    for each in results:
        total.add(each.passed, each.failed, each.skipped)
        print(f"{each.part:<12}{each.passed:>8}{each.failed:>8}{each.skipped:>9}"
              f"{each.seconds:>8.1f} s", file=out)
    ran = total.passed + total.failed > 0
    if not ran:
        output.error("no test ran, and that is a failure")
    if as_json:
        output.emit({"passed": total.passed, "failed": total.failed, "skipped": total.skipped,
                     "parts": [vars(each) for each in results]})
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped",
          file=out, flush=True)
    return DONE if ran and not total.failed else FAILED
