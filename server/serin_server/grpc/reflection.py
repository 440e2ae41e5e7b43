"""gRPC's reflection service, so that tools such as grpcurl need no .proto file.

Versions v1 and v1alpha say the same on the wire; only their names differ, so the description of the second is made of
the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from serin_server.grpc import health_pb2, inference_pb2, reflection_pb2
from serin_server.grpc.method import Messenger, Method
from serin_server.grpc.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse
from serin_server.grpc.status import Status

_V1: Final = "grpc.reflection.v1"
_V1_ALPHA: Final = "grpc.reflection.v1alpha"


class Reflection:
    def __init__(self) -> None:
        self._files: list[FileDescriptor] = [
            module.DESCRIPTOR for module in (inference_pb2, health_pb2, reflection_pb2)
        ]
        self._files.append(_rename_package(reflection_pb2.DESCRIPTOR, _V1, _V1_ALPHA))
        services = [service.full_name for file in self._files for service in file.services_by_name.values()]
        self._services = sorted(services)

    @property
    def methods(self) -> Iterable[Method]:
        for package in (_V1, _V1_ALPHA):
            yield Method(f"/{package}.ServerReflection/ServerReflectionInfo".encode(), converse=self._converse)

    def answer(self, request: ServerReflectionRequest) -> ServerReflectionResponse:
        answer = ServerReflectionResponse(valid_host=request.host, original_request=request)
        kind = request.WhichOneof("message_request")
        if kind == "list_services":
            for name in self._services:
                answer.list_services_response.service.add(name=name)
        elif kind == "file_by_filename":
            self._add_file(answer, request.file_by_filename, self._find_file(request.file_by_filename))
        elif kind == "file_containing_symbol":
            self._add_file(answer, request.file_containing_symbol, self._find_symbol(request.file_containing_symbol))
        elif kind == "all_extension_numbers_of_type" and self._find_symbol(request.all_extension_numbers_of_type):
            answer.all_extension_numbers_response.base_type_name = request.all_extension_numbers_of_type
        else:
            _add_error(answer, Status.NOT_FOUND, f"{kind}: there are no extensions here" if kind else "nothing asked")
        return answer

    def _converse(self, messenger: Messenger) -> _Conversation:
        return _Conversation(self, messenger)

    def _add_file(self, answer: ServerReflectionResponse, name: str, file: FileDescriptor | None) -> None:
        if file is None:
            _add_error(answer, Status.NOT_FOUND, f"{name!r} is not described here")
        else:  # None of the files imports another.
            answer.file_descriptor_response.file_descriptor_proto.append(file.serialized_pb)

    def _find_file(self, name: str) -> FileDescriptor | None:
        return next((file for file in self._files if file.name == name), None)

    def _find_symbol(self, name: str) -> FileDescriptor | None:
        for file in self._files:
            try:
                found: FileDescriptor = file.pool.FindFileContainingSymbol(name)
            except KeyError:
                continue
            return found
        return None


class _Conversation:
    def __init__(self, reflection: Reflection, messenger: Messenger) -> None:
        self._reflection = reflection
        self._messenger = messenger

    def receive(self, message: bytes) -> None:
        request = ServerReflectionRequest.FromString(message)
        self._messenger.send(self._reflection.answer(request).SerializeToString())

    def end(self) -> None:
        self._messenger.finish()

    def give_up(self) -> None:
        pass


def _add_error(answer: ServerReflectionResponse, status: Status, text: str) -> None:
    answer.error_response.error_code = status.code
    answer.error_response.error_message = text


def _rename_package(file: FileDescriptor, old: str, new: str) -> FileDescriptor:
    description = FileDescriptorProto.FromString(file.serialized_pb)
    description.name = description.name.replace(".proto", f"_{new.rpartition('.')[2]}.proto")
    description.package = new
    for message in description.message_type:
        for field in message.field:
            if field.HasField("type_name"):
                field.type_name = field.type_name.replace(f".{old}.", f".{new}.")
    for method in description.service[0].method:
        method.input_type = method.input_type.replace(f".{old}.", f".{new}.")
        method.output_type = method.output_type.replace(f".{old}.", f".{new}.")
    pool = DescriptorPool()
    pool.AddSerializedFile(description.SerializeToString())  # type: ignore[no-untyped-call]
    renamed: FileDescriptor = pool.FindFileByName(description.name)  # type: ignore[no-untyped-call]
    return renamed
