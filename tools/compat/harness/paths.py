"""Where things lie. All that is installed or written goes below target/compat."""

import os
from pathlib import Path

COMPAT = Path(__file__).resolve().parent.parent
ROOT = COMPAT.parent.parent
INSTALLED = ROOT / "target" / "compat"
KAFKA_LIBS = INSTALLED / "kafka-4.3.1" / "libs"
JAVA_CLASSES = INSTALLED / "java" / "classes"
VENV_PYTHON = INSTALLED / "venv" / "bin" / "python"
RUNS = INSTALLED / "runs"
LOG4J = COMPAT / "java" / "log4j2.properties"
TOOLS_LIST = COMPAT / "java" / "tools.txt"


def tidemill_binary() -> Path:
    """The broker under test; TIDEMILL names another build of it."""
    return Path(os.environ.get("TIDEMILL", ROOT / "target" / "release" / "tidemill"))
