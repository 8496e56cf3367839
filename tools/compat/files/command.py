"""Command lines that bring a file of lines into a topic and out again, by three programs."""

from dataclasses import dataclass

from compat.harness import java, paths

PROGRAMS = ("kafka", "kcat", "tidemill")


def available(program: str) -> bool:
    return program != "tidemill" or paths.tidemill_binary().exists()


@dataclass
class Command:
    words: list[str]
    reads_stdin: bool


def produce(program: str, address: str, topic: str, codec: str, path) -> Command:
    """Each line of the file becomes a record without a key."""
    if program == "kafka":
        return Command(java.tool_command(
            "kafka-console-producer", "--bootstrap-server", address, "--topic", topic,
            "--compression-codec", codec, "--batch-size", 131072, "--max-memory-bytes", 67108864,
            "--timeout", 20), True)
    if program == "kcat":
        # Records without a key go to one partition for some milliseconds otherwise: on a fast
        # machine the whole file reaches a few.
        return Command(["kcat", "-b", address, "-P", "-t", topic, "-z", codec, "-l",
                        "-X", "enable.idempotence=true", "-X", "linger.ms=20",
                        "-X", "sticky.partitioning.linger.ms=0", "-q", str(path)], False)
    return Command([str(paths.tidemill_binary()), "produce", topic, "--bootstrap-server", address,
                    "--codec", codec, "--quiet"], True)


def consume(program: str, address: str, topic: str, lines: int) -> list[str]:
    """Prints `partition<tab>line` for each record from the start to the end of the topic."""
    if program == "kafka":
        return java.tool_command(
            "kafka-console-consumer", "--bootstrap-server", address, "--topic", topic,
            "--from-beginning", "--max-messages", lines, "--timeout-ms", 20000,
            "--formatter-property", "print.partition=true",
            "--command-property", "check.crcs=true")
    if program == "kcat":
        return ["kcat", "-b", address, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-X",
                "check.crcs=true", "-f", "%p\t%s\n"]
    return [str(paths.tidemill_binary()), "consume", topic, "--bootstrap-server", address,
            "--from-beginning", "--exit", "--quiet", "--output-format", r"%p\t%s\n"]
