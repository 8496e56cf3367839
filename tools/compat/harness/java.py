"""Kafka's command line tools: single processes, or many commands in one JVM."""

import base64
import subprocess
from dataclasses import dataclass

from compat.harness import paths
from compat.harness.process import CommandError


def main_class(tool: str) -> str:
    for line in paths.TOOLS_LIST.read_text().splitlines():
        name, _, java_class = line.partition(" ")
        if name == tool:
            return java_class
    raise KeyError(f"{tool} is not in {paths.TOOLS_LIST}")


def java_command(heap: str = "256m", extra: tuple[str, ...] = ()) -> list[str]:
    """The JVM with Kafka's classes on its path; small and quick to start."""
    return [
        "java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
        f"-Dlog4j2.configurationFile={paths.LOG4J}", *extra,
        "-cp", f"{paths.KAFKA_LIBS}/*:{paths.JAVA_CLASSES}",
    ]


def tool_command(tool: str, *arguments: str) -> list[str]:
    return [*java_command(), main_class(tool), *map(str, arguments)]


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Jvm:
    """One JVM that runs Kafka's tools one after another. Use as a context manager."""

    def __init__(self, log):
        self.log = log
        self.process = subprocess.Popen(
            [*java_command(), "Tools"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def run(self, tool: str, *arguments, stdin: bytes | str = b"", code: int | None = 0) -> Answer:
        """Runs one tool; an exit code other than `code` fails the test (None takes any)."""
        if isinstance(stdin, str):
            stdin = stdin.encode()
        words = [main_class(tool).encode(), stdin, *(str(word).encode() for word in arguments)]
        self.log(f"$ {tool} {' '.join(map(str, arguments))}")
        line = b" ".join(b"." + base64.b64encode(word) for word in words)
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        answer = self._read_answer()
        self.log(answer.out + answer.err + f"[exit {answer.code}]")
        if code is not None and answer.code != code:
            raise CommandError(f"{tool} ended with {answer.code}: {answer.err or answer.out}")
        return answer

    def _read_answer(self) -> Answer:
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise CommandError("the JVM ended")
            words = line.split()
            if len(words) == 3 and words[1][:1] == b"." and words[2][:1] == b".":
                out, err = (base64.b64decode(word[1:]).decode() for word in words[1:])
                return Answer(int(words[0]), out, err)
            self.log(line.decode(errors="replace").rstrip())
