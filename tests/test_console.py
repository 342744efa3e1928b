"""Where the log goes."""

import subprocess
import sys

SCRIPT = """
{setup}
import logging
from segwright.console import show_log, track
show_log()
logging.getLogger("segwright").info("[TRAIN] iter: 1/2")
print(list(track(range(3), "counting")))
"""


def printed(setup: str) -> list[str]:
    code = SCRIPT.format(setup=setup)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_script_sees_the_log_and_no_bar_in_a_file():
    line, items = printed("")
    assert line.endswith("[INFO]\t[TRAIN] iter: 1/2")
    assert items == "[0, 1, 2]"


def test_a_program_that_has_set_up_logging_is_left_alone():
    assert printed("import logging, sys; logging.basicConfig(stream=sys.stderr)") == ["[0, 1, 2]"]
