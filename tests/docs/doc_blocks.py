"""The fenced blocks of a page, and what comments above them say about running them.

``<!-- not run: REASON -->`` above a block says that no test runs it, and why. ``<!-- exit code: 2 -->`` says that its
commands are meant to end so, ``<!-- exit code: 2, unknown key -->`` that they also say these words.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHELLS = ("sh", "bash", "console")
RUN = (*SHELLS, "python")
SHOWN = ("", "yaml", "json", "text", "csv", "cpp", "cmake", "js")

FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
MARK = re.compile(r"^<!-- (not run|exit code): (.+) -->$")
FILE_NAME = re.compile(r"#\s*([\w./-]+\.(?:yml|py|txt))\s*$")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: the file it stands in, from the repository's root.
        line: of its opening fence.
        language: the word behind the fence; empty for none.
        content: what stands between the fences.
        not_run: why no test runs it; empty if one does.
        exit_code: of its commands.
        says: words that each of them prints.
    """

    page: str
    line: int
    language: str
    content: str
    not_run: str = ""
    exit_code: int = 0
    says: str = ""

    @property
    def place(self) -> str:
        """``docs/x.md:12``."""
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str:
        """The file that the block shows, told by a comment in its first line; empty where it shows none."""
        first, _, _ = self.content.partition("\n")
        found = FILE_NAME.fullmatch(first) if self.language in ("yaml", "python", "text") else None
        return found[1] if found else ""


def read_blocks(path: Path, root: Path = ROOT) -> list[Block]:
    """All blocks of a Markdown file.

    Raises:
        ValueError: a mark without a block of commands, an indented fence, or a block without an end.
    """
    page, blocks, marks = path.relative_to(root).as_posix(), [], {}
    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
    for number, line in lines:
        if mark := MARK.match(line):
            marks[mark[1]] = mark[2]
        elif fence := FENCE.match(line):
            if fence[1]:
                raise ValueError(f"{page}:{number}: an indented block, which no test would find")
            content = []
            for _, inner in lines:
                if inner == "```":
                    break
                content.append(inner)
            else:
                raise ValueError(f"{page}:{number}: the block has no end")
            if marks and fence[2] not in RUN:
                raise ValueError(f"{page}:{number}: {', '.join(marks)} above a block that holds no commands")
            text = "".join(f"{inner}\n" for inner in content)
            code, _, says = marks.get("exit code", "0").partition(", ")
            blocks.append(Block(page, number, fence[2], text, marks.get("not run", ""), int(code), says))
            marks = {}
        elif marks and line.strip():
            raise ValueError(f"{page}:{number}: {', '.join(marks)} does not stand right above a block")
    if marks:
        raise ValueError(f"{page}: {', '.join(marks)} at the end, above no block")
    return blocks


def command_lines(block: Block) -> list[str]:
    """The commands of a block, each on one line, without comments and, in ``console`` blocks, output."""
    lines = block.content.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
