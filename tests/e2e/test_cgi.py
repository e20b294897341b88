"""The lab as a plain CGI program: the same binary, the same answers."""

import json
import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness, tokens  # noqa: E402

EXPERIMENTS = "/api/v1/experiments"
ABSENT = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@harness.fixture
def app():
    return harness.App()


def headers():
    token = tokens.hs256(tokens.claims(), harness.TOKEN_KEY)
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "X-Request-Id": "same"}


def new():
    return {"name": "By CGI", "specimen": "HeLa", "instrument": "Spinning disk", "objective_magnification": 60,
            "numerical_aperture": 1.4, "pixel_size_um": 0.1, "exposure_ms": 80, "fps": 1.5, "frame_count": 1}


def alike(method, uri, body=b""):
    """Asks by CGI and by FastCGI; status, headers and body must be equal, ids and times of the answer apart."""
    cgi = app().cgi(method, uri, headers(), body)
    fast = app().fastcgi(method, uri, headers(), body)
    assert cgi.code == 0, (cgi.code, cgi.stderr)
    assert cgi.raw.startswith(b"Status: "), cgi.raw[:200]
    assert cgi.status == fast.status, (cgi, fast)
    # A new row has its own id and times, and a time has no more digits than it needs.
    moving = ("traceparent", "location", "content-length") if cgi.status == 201 else ("traceparent",)
    assert {n: v for n, v in cgi.headers.items() if n not in moving} == \
        {n: v for n, v in fast.headers.items() if n not in moving}, (cgi, fast)
    return cgi, fast


def test_reads():
    """Lists, one row, documents and refusals are the same by CGI and by FastCGI"""
    row = json.loads(app().fastcgi("GET", EXPERIMENTS + "?size=1").body)["items"][0]
    for uri in (EXPERIMENTS, EXPERIMENTS + "?size=2&sort=-name", f"{EXPERIMENTS}/{row['id']}", "/api/v2/experiments",
                f"{EXPERIMENTS}/{ABSENT}", f"{EXPERIMENTS}/nonsense", "/nothing", EXPERIMENTS + "?size=0",
                "/openapi.json", f"{EXPERIMENTS}/%zz"):
        cgi, fast = alike("GET", uri)
        assert cgi.body == fast.body, (uri, cgi, fast)


def test_changes():
    """A create and faulty ones are the same by CGI and by FastCGI"""
    cgi, fast = alike("POST", EXPERIMENTS, json.dumps(new()).encode())
    assert cgi.status == 201 and json.loads(cgi.body)["name"] == "By CGI"
    stored = app().fastcgi("GET", json.loads(cgi.body) and cgi.headers["location"])
    assert json.loads(stored.body) == json.loads(cgi.body)
    for body in (b"{", json.dumps(new() | {"fps": 0, "colour": 1}).encode(), b"x" * (2 << 20)):
        cgi, fast = alike("POST", EXPERIMENTS, body)
        assert cgi.status in (400, 413, 422) and cgi.body == fast.body, (cgi, fast)


def test_short_body():
    """A body shorter than declared is 400 by CGI too"""
    body = json.dumps(new()).encode()
    answer = app().cgi("POST", EXPERIMENTS, headers(), body, CONTENT_LENGTH=str(len(body) + 9))
    assert answer.status == 400 and answer.code == 0, answer


def test_no_token():
    """Without a token a change is 401 by CGI too"""
    answer = app().cgi("POST", EXPERIMENTS, {"Content-Type": "application/json"}, json.dumps(new()).encode())
    assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer", answer


def test_head():
    """HEAD by CGI has headers and no body"""
    answer = app().cgi("HEAD", EXPERIMENTS)
    assert answer.status == 200 and answer.body == b"", answer


harness.main()
