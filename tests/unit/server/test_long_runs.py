"""A model that takes its time: in a thread, so that everything else goes on."""

from __future__ import annotations

import socket
import struct

from unit.server.server_process import ServerProcess

INFER = "/v2/models/m/infer"


def start_run(server: ServerProcess, steps: int) -> bytes:
    body = b'{"inputs":[{"name":"steps","shape":[],"datatype":"INT64","data":[%d]}]}' % steps
    return b"POST %s HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n%s" % (INFER.encode(), len(body), body)


def test_health_and_metrics_answer_during_a_long_run(patient_server: ServerProcess) -> None:
    with patient_server.connect_raw() as connection:
        connection.sendall(start_run(patient_server, 50_000))
        patient_server.wait_for_in_flight(1)
        assert patient_server.get("/v2/health/ready").status == 200
        assert patient_server.read_in_flight() == 1
        assert connection.recv(12) == b"HTTP/1.1 200"
    patient_server.wait_for_in_flight(0)


def test_a_client_that_goes_away_is_counted_as_499(patient_server: ServerProcess) -> None:
    connection = patient_server.connect_raw()
    connection.sendall(start_run(patient_server, 20_000))
    patient_server.wait_for_in_flight(1)
    close_by_reset = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, close_by_reset)
    connection.close()
    patient_server.wait_for_in_flight(0)
    assert patient_server.count_requests("infer", 499) == 1
