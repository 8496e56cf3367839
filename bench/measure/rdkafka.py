"""librdkafka's own load tool, rdkafka_performance. Debian has no package of it: its source comes
with the crate rdkafka-sys, by cargo, and is built once, below target."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from compat.harness import paths

from measure.load import LoadError

CRATE = "rdkafka-sys"
VERSION = "4.10.0+2.12.1"
HOME = paths.ROOT / "target" / "rdkafka"
TOOL = HOME / "rdkafka_performance"
STAMP = HOME / "version"
# Nothing of these is used, and each is one more package to have.
WITHOUT = ("gssapi", "ssl", "sasl", "curl", "zstd", "zlib", "lz4-ext")
BUILD_SECONDS_MAX = 600.0

SENT = re.compile(r"% (\d+) messages produced \((\d+) bytes\), (\d+) delivered \(offset -?\d+, "
                  r"(\d+) failed\) in (\d+)ms: ")
RECEIVED = re.compile(r"% (\d+) messages \((\d+) bytes\) consumed in (\d+)ms: ")


def missing() -> str | None:
    """Why the tool can't be run, if so."""
    if os.access(TOOL, os.X_OK) and STAMP.exists() and STAMP.read_text() == VERSION:
        return None
    return f"{TOOL} was not built, see {HOME / 'build.log'}"


def build() -> None:
    """Fetches and builds what is not there. What fails is in the log, and the rows that need the
    tool then say that they lack it."""
    if missing() is None:
        return
    print(f"bench: building rdkafka_performance of {CRATE} {VERSION}", flush=True)
    shutil.rmtree(HOME, ignore_errors=True)
    (HOME / "src").mkdir(parents=True)
    (HOME / "src" / "lib.rs").write_text("")
    # A workspace of its own, so that cargo does not look for ours above it.
    (HOME / "Cargo.toml").write_text(
        '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n'
        f'[dependencies.{CRATE}]\nversion = "={VERSION.partition("+")[0]}"\n'
        "default-features = false\n")
    library = HOME / "vendor" / CRATE / "librdkafka"
    try:
        with open(HOME / "build.log", "wb") as log:
            def run(home: Path, *command: str) -> None:
                subprocess.run(command, cwd=home, check=True, stdin=subprocess.DEVNULL,
                               stdout=log, stderr=log, timeout=BUILD_SECONDS_MAX)
            run(HOME, "cargo", "vendor", "--quiet", "vendor")
            run(library, "./configure", *(f"--disable-{part}" for part in WITHOUT))
            run(library, "make", "-j", str(os.cpu_count() or 1), "-C", "src", "librdkafka.a")
            run(library / "examples", "cc", "-O2", "-I../src", "rdkafka_performance.c",
                "../src/librdkafka.a", "-o", str(TOOL), "-lpthread", "-ldl", "-lm", "-lrt")
        STAMP.write_text(VERSION)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"bench: rdkafka_performance can't be built: {error}", flush=True)


def produced(output: str) -> dict:
    """The line over all; the tool measures no latency in this mode."""
    found = SENT.findall(output)
    if not found:
        raise LoadError(f"rdkafka_performance said: {output.strip()[-300:]}")
    sent, size, delivered, failed, milliseconds = map(int, found[-1])
    if failed or delivered < sent:
        raise LoadError(f"rdkafka_performance: {sent - delivered} of {sent} records were lost")
    return window(delivered, size, milliseconds)


def consumed(output: str) -> dict:
    found = RECEIVED.findall(output)
    if not found:
        raise LoadError(f"rdkafka_performance said: {output.strip()[-300:]}")
    return window(*map(int, found[-1]))


def window(records: int, size: int, milliseconds: int) -> dict:
    return {"seconds": milliseconds / 1e3, "requests": records, "records": records, "bytes": size,
            "latency": {"count": 0, "p50_us": 0.0, "p99_us": 0.0, "p999_us": 0.0, "max_us": 0.0,
                        "buckets": []}}
