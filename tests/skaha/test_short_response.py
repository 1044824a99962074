"""The reader of short responses next to h11: the same result, or none."""

import itertools

import h11

from skaha_apply.skaha.transport.short_response import read_short_response

ID = b"k2j3h4g5"
LINES = rb"""
HTTP/1.1 200 OK
HTTP/1.1 400 Bad Request
HTTP/1.1 200 \x20
HTTP/1.1 200
HTTP/1.0 200 OK
HTTP/1.1 204 No Content
HTTP/1.1 205 Reset Content
HTTP/1.1 304 Not Modified
HTTP/1.1 100 Continue
HTTP/1.1 101 Switching Protocols
HTTP/2 200 OK
HTTP/1.1 20 OK
HTTP/1.1 2000 OK
http/1.1 200 OK
"""
FIELDS = rb"""
Content-Length: 8
content-length:8
Content-Length: 08
Content-Length: 8, 8
Content-Length: -8
Content-Length: +8
Content-Length: 7
Content-Length: 9
Content-Length: 0
Transfer-Encoding: chunked
Connection: close
Connection: keep-alive
Connection: Keep-Alive, close
Date: Tue, 15 Nov 1994 08:12:31 GMT
x-vo-authenticated: astronomer
Trailer: x
Upgrade: websocket
X-Empty:
X: \xc3\xa9
X: \x09 a \x09
X: a\x00
X\x00: y
X : y
\x20folded
: no name
no colon
"""
BODIES = rb"""
k2j3h4g5
k2j3h4g5x
k2j3h4g
8\r\nk2j3h4g5\r\n0\r\n\r\n
\r\n\r\n1234
HTTP/1.1 200 OK\r\n\r\n

"""


def lines_of(text):
    """The lines of a text, with the escapes of Python."""
    lines = text.removeprefix(b"\n").removesuffix(b"\n").split(b"\n")
    return [line.decode("unicode_escape").encode("latin-1") for line in lines]


def as_h11_reads(data):
    """The status, the headers and the body of a response after which the connection can be used; None otherwise."""
    messages = h11.Connection(h11.CLIENT)
    messages.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    messages.send(h11.EndOfMessage())
    messages.receive_data(data)
    try:
        head = messages.next_event()
        events = [head]
        while isinstance(events[-1], h11.Response | h11.Data):
            events.append(messages.next_event())
    except h11.RemoteProtocolError:
        return None
    can_be_used = messages.their_state is h11.DONE and not messages.trailing_data[0]
    if not (isinstance(head, h11.Response) and isinstance(events[-1], h11.EndOfMessage) and can_be_used):
        return None
    headers = {name.decode(): value.decode() for name, value in head.headers}
    return (head.status_code, headers), b"".join(event.data for event in events[1:-1])


def test_a_short_response_is_read_as_h11_reads_it_or_left_to_h11():
    length, read = b"Content-Length: 8", 0
    for line, field, body in itertools.product(lines_of(LINES), lines_of(FIELDS), lines_of(BODIES)):
        for fields, end in (
            ([field], b"\r\n"),
            ([length, field], b"\r\n"),
            ([field, length], b"\r\n"),
            ([field], b"\n"),
        ):
            data = end.join([line, *fields, b"", body])
            found = read_short_response(data)
            read += found is not None
            assert found is None or found == as_h11_reads(data), data
    assert read > 20


def test_the_common_response_is_read_without_h11():
    data = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nContent-Length: 8\r\n\r\n" + ID
    headers = {"content-type": "text/plain", "connection": "keep-alive", "content-length": "8"}
    assert read_short_response(data) == ((200, headers), ID)
