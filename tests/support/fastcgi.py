"""A FastCGI client for tests: whole requests by one call, or record by record for peers that misbehave."""

import json
import os
import socket
import struct
import time

VERSION = 1
BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, GET_VALUES_RESULT, \
    UNKNOWN_TYPE = range(1, 12)
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
KEEP_CONN = 1
REQUEST_COMPLETE, CANT_MPX_CONN, OVERLOADED, UNKNOWN_ROLE = range(4)


class Closed(Exception):
    """The application closed the connection where a record was due."""


def record(kind, content=b"", request_id=1, version=VERSION, padding=0):
    """One record; content of more than 65535 bytes does not fit in one."""
    return struct.pack(">BBHHBx", version, kind, request_id, len(content), padding) + content + bytes(padding)


def stream(kind, content, request_id=1, size=65535):
    """A stream as records, with the empty one that ends it."""
    pieces = [content[at:at + size] for at in range(0, len(content), size)]
    return b"".join(record(kind, piece, request_id) for piece in pieces) + record(kind, b"", request_id)


def begin(role=RESPONDER, keep=True, request_id=1):
    return record(BEGIN_REQUEST, struct.pack(">HB5x", role, KEEP_CONN if keep else 0), request_id)


def pair(name, value):
    def length(n):
        return struct.pack(">B", n) if n < 128 else struct.pack(">I", n | 0x80000000)
    name, value = _bytes(name), _bytes(value)
    return length(len(name)) + length(len(value)) + name + value


def pairs(params):
    return b"".join(pair(name, value) for name, value in params.items())


def _bytes(text):
    return text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogateescape")


def environment(method="GET", uri="/", headers=None, body=b"", **more):
    """The CGI variables that nginx would send for this request; `more` wins, and None removes one."""
    path, _, query = uri.partition("?")
    params = {
        "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "test", "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": method, "REQUEST_URI": uri, "SCRIPT_NAME": path, "DOCUMENT_URI": path,
        "QUERY_STRING": query, "SERVER_NAME": "localhost", "SERVER_ADDR": "127.0.0.1", "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "40000", "REQUEST_SCHEME": "http", "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": str(len(body)) if body else "", "CONTENT_TYPE": "",
    }
    for name, value in (headers or {}).items():
        variable = name.upper().replace("-", "_")
        params[variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + variable] = value
    params.update(more)
    return {name: value for name, value in params.items() if value is not None}


class Answer:
    """A CGI answer taken apart: status, headers (names in lower case), body."""

    def __init__(self, raw, stderr=b"", app_status=None, protocol_status=None):
        head, separator, self.body = raw.partition(b"\r\n\r\n")
        if not separator:
            head, separator, self.body = raw.partition(b"\n\n")
        self.raw, self.stderr, self.app_status, self.protocol_status = raw, stderr, app_status, protocol_status
        self.header_list = []
        for line in head.decode("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            self.header_list.append((name.strip().lower(), value.strip()))
        self.headers = dict(self.header_list)
        self.status = int(self.headers.get("status", "200").split()[0]) if separator else None

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise AssertionError(f"not JSON ({error}): {self}") from None

    def __repr__(self):
        return f"<Answer {self.status} {self.headers} {self.body[:300]!r}>"


class Connection:
    """One connection to an application; the address is a unix path or (host, port)."""

    def __init__(self, address, timeout=10):
        family = socket.AF_UNIX if isinstance(address, (str, bytes, os.PathLike)) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            # Blocking: with a time-out a unix socket whose backlog is full would refuse at once (EAGAIN).
            self.socket.connect(os.fspath(address) if family == socket.AF_UNIX else address)
            self.socket.settimeout(timeout)
        except BaseException:
            self.socket.close()
            raise
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _take(self, count):
        while len(self.buffer) < count:
            got = self.socket.recv(65536)
            if not got:
                raise Closed(f"closed with {len(self.buffer)} of {count} bytes")
            self.buffer += got
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_record(self):
        """(type, request id, content); Closed when the application has closed."""
        _, kind, request_id, length, padding = struct.unpack(">BBHHBx", self._take(8))
        return kind, request_id, self._take(length + padding)[:length]

    def read_answer(self, request_id=1):
        """Reads up to END_REQUEST of the request."""
        out, err = [], []
        while True:
            kind, got_id, content = self.read_record()
            if got_id != request_id:
                raise AssertionError(f"a record of type {kind} for request {got_id}, not {request_id}")
            if kind == STDOUT:
                out.append(content)
            elif kind == STDERR:
                err.append(content)
            elif kind == END_REQUEST:
                app_status, protocol_status = struct.unpack(">IB3x", content)
                return Answer(b"".join(out), b"".join(err), app_status, protocol_status)
            else:
                raise AssertionError(f"an unexpected record of type {kind}")

    def is_closed(self, within=5):
        """Whether the application closes the connection within so many seconds; what it sends before is dropped."""
        until = time.monotonic() + within
        try:
            while time.monotonic() < until:
                self.socket.settimeout(max(0.01, until - time.monotonic()))
                if not self.socket.recv(65536):
                    return True
        except ConnectionError:
            return True
        except socket.timeout:
            pass
        return False

    def request(self, method="GET", uri="/", headers=None, body=b"", keep=True, request_id=1, **more):
        """One whole request, sent in one write as nginx does, and its answer."""
        params = environment(method, uri, headers, body, **more)
        self.send(begin(keep=keep, request_id=request_id) + stream(PARAMS, pairs(params), request_id)
                  + stream(STDIN, body, request_id))
        return self.read_answer(request_id)


def request(address, method="GET", uri="/", headers=None, body=b"", timeout=10, **more):
    """One request on a connection of its own."""
    with Connection(address, timeout) as connection:
        return connection.request(method, uri, headers, body, keep=False, **more)
