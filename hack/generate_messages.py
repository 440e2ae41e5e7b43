"""Writes server/serin_server/grpc/*_pb2.py and their types from the .proto files beside them, by `make generate`.

The messages of each file live in a descriptor pool of their own. Clients of the protocol bring the same public names,
and the one pool that all of a process shares by default refuses them a second time.
"""

import tempfile
from pathlib import Path

from grpc_tools import protoc

SOURCES = Path(__file__).parents[1] / "server"
PROTOS = tuple(f"serin_server/grpc/{name}.proto" for name in ("health", "inference", "reflection"))
SHARED_POOL = "_descriptor_pool.Default()"
OWN_POOL = "_descriptor_pool.DescriptorPool()"


def make_files() -> dict[Path, str]:
    """Path -> text."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["protoc", f"--proto_path={SOURCES}", f"--python_out={folder}", f"--pyi_out={folder}", *PROTOS]
        if protoc.main(arguments) != 0:
            raise ValueError(f"one of {PROTOS} does not compile, the message is above")
        paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        files = {SOURCES / path.relative_to(folder): path.read_text(encoding="utf-8") for path in paths}
    for proto in PROTOS:
        module = SOURCES / proto.replace(".proto", "_pb2.py")
        if SHARED_POOL not in files[module]:
            raise ValueError(f"{module}: expected {SHARED_POOL}, which is to be {OWN_POOL}")
        files[module] = files[module].replace(SHARED_POOL, OWN_POOL)
    return files


if __name__ == "__main__":
    for path, text in make_files().items():
        path.write_text(text, encoding="utf-8")
