"""What can be known of the container file without building it: its files, its command, and that nothing is missing."""

import json
import os
import re
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from small_net import small_bundle

from segwright.cli.main import parse
from segwright.serve.options import PORT

ROOT = Path(__file__).parents[1]
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
    if line and not line.startswith("#")
]


def of(name: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


WITHOUT = """
import sys
missing = set(sys.argv.pop(1).split(","))

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from segwright.cli.main import main
sys.exit(main())
"""


def asked_for() -> list[str]:
    """What pip is to install by name."""
    (command,) = [line for line in of("RUN") if "--constraint" in line]
    words = shlex.split(command.partition("&&")[0])
    return words[words.index("--constraint") + 2 :]


def installed() -> set[str]:
    """These distributions, and all that they need."""
    found, open_ends = set(), [canonicalize_name(name) for name in asked_for()]
    while open_ends:
        if (name := open_ends.pop()) not in found:
            found.add(name)
            needs = map(Requirement, metadata.requires(name) or [])
            open_ends += [
                canonicalize_name(need.name)
                for need in needs
                if need.marker is None or need.marker.evaluate({"extra": ""})
            ]
    return found


def test_what_is_copied_is_there_and_not_ignored():
    wanted = [word for line in of("COPY") if "--from" not in line for word in line.split()[:-1]]
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split() if line[0] == "!"]
    assert sorted(wanted) == sorted(allowed)
    assert all((ROOT / word).exists() for word in wanted)


def test_its_command_listens_beyond_the_container_and_needs_a_key(monkeypatch):
    monkeypatch.delenv("SEGWRIGHT_API_KEY", raising=False)
    (entry,), (command,) = of("ENTRYPOINT"), of("CMD")
    words = json.loads(entry) + json.loads(command)  # lists: no shell stands between signals and the server
    args = parse(words[1:])
    assert (words[0], args.host, args.port, args.bundles) == ("segwright", "0.0.0.0", PORT, ["model=/models"])
    assert not args.allow_public
    assert of("EXPOSE") == [str(PORT)]
    assert int(of("USER")[-1]) > 0


def test_what_it_installs_is_what_the_package_asks_for_in_pinned_versions():
    asked = set(re.findall(r'"([\w-]+)[^"]*[<>]=', (ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(asked_for()) <= asked
    assert installed() <= {canonicalize_name(name) for name in pins}


def test_serving_and_the_health_check_need_no_other_library(tmp_path):
    bundle, present = small_bundle(tmp_path / "bundle"), {*installed(), "segwright"}
    missing = [
        module
        for module, owners in metadata.packages_distributions().items()
        if present.isdisjoint(map(canonicalize_name, owners))
    ]
    assert {"torch", "requests"} <= set(missing)
    environment = {**os.environ, **dict(word.split("=") for word in of("ENV"))}
    with subprocess.Popen(
        [sys.executable, "-c", WITHOUT, ",".join(missing), "serve", f"model={bundle}", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as server:
        try:
            address = re.search(r"127\.0\.0\.1:\d+", first := server.stdout.readline())
            assert address, first + server.stdout.read()
            (check,) = of("HEALTHCHECK")
            _, program, code = json.loads(check.partition("CMD ")[2])
            assert program == "-c"
            check = [sys.executable, "-c", code.replace(f"127.0.0.1:{PORT}", address[0])]
            assert subprocess.run(check, check=False).returncode == 0
            server.terminate()
            server.wait(20)
            assert subprocess.run(check, check=False, stderr=subprocess.DEVNULL).returncode != 0
        finally:
            server.kill()
