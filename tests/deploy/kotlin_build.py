"""The app's arithmetic, compiled for a JVM by the Kotlin compiler that is in Jupyter's Kotlin kernel."""

import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
APP = ROOT / "deploy" / "mobile" / "android" / "app" / "src" / "main" / "kotlin" / "org" / "segwright" / "example"
SOURCES = [
    *(APP / f"{name}.kt" for name in ("ModelDescription", "NetworkInput", "LabelMap")),
    Path(__file__).parent / "kotlin" / "Cases.kt",
]
BUILT = ROOT / ".cache" / "deploy_mobile.jar"


def run_on_jvm(main: str, *arguments: object) -> None:
    """Run a main function of what is compiled; any warning of the compiler is an error."""
    jars = compiler()
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(BUILT.with_suffix(".lock")):
        if not BUILT.exists() or BUILT.stat().st_mtime < max(source.stat().st_mtime for source in SOURCES):
            standard = next(jars.glob("kotlin-stdlib-*.jar"))
            options = ["-Werror", "-no-reflect", "-no-stdlib", "-cp", standard, "-d", BUILT]
            java(jars, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", *options, *SOURCES)
    java(jars, main, *arguments)


def compiler() -> Path:
    """Folder of the compiler's jars; skips the test where there is none."""
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    try:
        found = files("kotlin-jupyter-kernel") or []
    except PackageNotFoundError:
        pytest.skip("kotlin-jupyter-kernel is not installed")
    return Path(next(file for file in found if file.name.endswith("-all.jar")).locate()).parent


def java(jars: Path, *words: object) -> None:
    """Run a class; it must end well."""
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*:{BUILT}", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
