"""scripts/serve as a newcomer uses it: it gets ready, and the lines it prints work as they are."""

import os
import re
import signal
import subprocess

from compat.harness import paths
from compat.harness.context import expect_equal, test
from compat.harness.process import free_port, wait_until

PROGRAMS = ("tidemill", "kcat", "Kafka")


def printed_commands(text: str) -> dict[str, list[str]]:
    """The commands to copy, by program: a block starts with the program's name."""
    found: dict[str, list[str]] = {}
    current = None
    for line in text.splitlines():
        start = re.match(r"  (\S+)?\s{2,}(\S.*)$", line)
        if start is None:
            current = None
            continue
        if start.group(1) in PROGRAMS:
            current = start.group(1)
        elif start.group(1) is not None:
            current = None
        if current is not None:
            found.setdefault(current, []).append(start.group(2))
    return found


def start(ctx, port: int, data):
    out = ctx.home / "serve.out"
    with open(out, "wb") as stream:
        process = ctx.spawn(
            paths.ROOT / "scripts" / "serve", "--override",
            f"listeners=PLAINTEXT://127.0.0.1:{port}", "--override", f"log.dirs={data}",
            stdout=stream, stderr=subprocess.STDOUT,
            start_new_session=True)

    def ready():
        assert process.poll() is None, out.read_text()
        return "Ctrl-C stops" in out.read_text() and out.read_text()
    return process, wait_until(ready, 600, "scripts/serve is ready", 0.05)


def interrupt(process) -> int:
    """What Ctrl-C does: SIGINT to the whole foreground group."""
    os.killpg(process.pid, signal.SIGINT)
    return process.wait(20)


@test(own=True, only="tidemill", limit=700)
def printed_lines_work(ctx):
    port, data = free_port(), ctx.home / "data"
    process, text = start(ctx, port, data)
    ctx.log(text)
    assert f"127.0.0.1:{port}" in text and str(data) in text, text
    assert re.search(r"cluster id\s+[\w-]{22}\n", text), text
    commands = printed_commands(text)
    expect_equal(sorted(commands), sorted(PROGRAMS), "programs")
    for count, program in enumerate(PROGRAMS, start=1):
        produce, consume = commands[program]
        assert "hello" in produce, produce
        ctx.run("bash", "-c", produce)
        found = ctx.run("bash", "-c", consume)
        wanted = 1 if "--max-messages 1" in consume else count
        expect_equal(found.stdout.split(), ["hello"] * wanted, consume)
    expect_equal(interrupt(process), 0, "exit code after Ctrl-C")
    process, text = start(ctx, port, data)
    found = ctx.run("bash", "-c", printed_commands(text)["kcat"][1])
    expect_equal(found.stdout.split(), ["hello"] * count, "records after a restart")
    process.send_signal(signal.SIGTERM)
    expect_equal(process.wait(20), 0, "exit code after SIGTERM")
