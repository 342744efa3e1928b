"""What cannot be made to happen at a certain moment from outside, done to a connection's protocol directly."""

from types import SimpleNamespace

import h11
import pytest

from segwright.serve.protocol import PatientProtocol


class Transport:
    """Of a client that has reset the connection, which is noticed only when it is half closed."""

    def __init__(self, *, is_gone: bool) -> None:
        self.is_gone, self.is_closed, self.written = is_gone, False, b""

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        if self.is_gone:
            raise OSError(107, "Transport endpoint is not connected")

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("is_gone", [False, True])
def test_r77_a_client_that_goes_while_its_connection_is_ended_is_let_go(is_gone):
    later = []
    connection = SimpleNamespace(
        conn=h11.Connection(h11.SERVER),
        transport=Transport(is_gone=is_gone),
        loop=SimpleNamespace(call_later=lambda _, work: later.append(work)),
        _stop_waiting=lambda: None,
    )
    PatientProtocol._end(connection, 408, "no request arrived")
    assert connection.transport.written.startswith(b"HTTP/1.1 408")
    assert connection.transport.is_closed == is_gone
    assert later == ([] if is_gone else [connection.transport.close])
