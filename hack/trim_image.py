"""Runs inside `docker build`, as its last process: takes out of the file system what only people and attackers use.

Python stays, with the libraries and certificates it needs. Shells, package managers and all other programs go.
"""

import re
import shutil
from pathlib import Path

PROGRAM_FOLDERS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
KEPT_PROGRAMS = re.compile(r"python3?(\.[0-9]+)?")
UNUSED = (
    *(
        "/usr/share/doc",
        "/usr/share/man",
        "/usr/share/locale",
        "/usr/share/info",
        "/usr/share/perl5",
        "/usr/share/perl",
    ),
    *("/usr/share/bash-completion", "/usr/share/bug", "/usr/share/lintian", "/usr/include", "/usr/lib/apt"),
    *(
        "/usr/lib/dpkg",
        "/usr/libexec",
        "/var/cache",
        "/var/lib/apt",
        "/var/lib/dpkg/info",
        "/var/log",
        "/root",
        "/home",
        "/tmp/trim_image.py",
    ),
    *("/usr/lib/gcc", "/usr/lib/python3/dist-packages", "/usr/lib/systemd", "/usr/lib/init", "/usr/local/include"),
)
UNUSED_OF_PYTHON = ("ensurepip", "idlelib", "lib2to3", "test", "tkinter", "turtledemo", "site-packages/pip")


def main() -> None:
    for folder in map(Path, PROGRAM_FOLDERS):
        for program in [] if folder.is_symlink() or not folder.exists() else list(folder.iterdir()):
            if not program.is_dir() and not KEPT_PROGRAMS.fullmatch(program.name):
                program.unlink()
    for folder in UNUSED:
        remove(Path(folder))
    for pattern in ("perl*", "libperl*", "libapt*", "libgnutls*", "libp11-kit*", "gconv"):
        for path in Path("/usr/lib").glob(f"*-linux-gnu/{pattern}"):
            remove(path)
    for library in (*Path("/usr/lib").glob("python3.*"), *Path("/usr/local/lib").glob("python3.*")):
        for name in UNUSED_OF_PYTHON:
            remove(library / name)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
