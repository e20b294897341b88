"""doctor against the lab behind nginx, as it is shipped and as it should not be configured."""

import json
import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness, tokens  # noqa: E402
from support.harness import check_problem  # noqa: E402


@harness.fixture
def app():
    return harness.App("lab", workers=2)


def server(params="", server_level="", location="", pass_to=None):
    """A server block of a careless administrator, for Nginx's `extra`."""
    return lambda port: f"""
server {{
	listen 127.0.0.1:{port};
	{server_level}
	location / {{
		include /etc/nginx/fastcgi_params;
		{params}
		{location}
		fastcgi_pass unix:{pass_to or app().socket_path};
	}}
}}
"""


def nginx(**more):
    return harness.Nginx(site=None, extra=server(**more))


def token():
    return tokens.hs256(tokens.claims(), harness.TOKEN_KEY)


def examine(front, *arguments, **env):
    """What doctor finds, by the name of the check, and its exit code."""
    done = app().command("doctor", "--json", "--url", f"http://127.0.0.1:{front.port}", *arguments, env=env)
    if "built without libcurl" in done.stdout:
        harness.skip("built without libcurl")
    report = json.loads(done.stdout)
    found = {}
    for finding in report["findings"]:
        found.setdefault(finding["check"], []).append(finding)
    assert report["failed"] == sum(finding["grade"] == "fail" for finding in report["findings"]), report
    assert done.returncode == (1 if report["failed"] else 0), done
    return found, done


def is_ill(found, check, grade, mend):
    """One of the findings of this check is of that grade, and its remedy holds that text."""
    bad = [finding for finding in found.get(check, []) if finding["grade"] != "ok"]
    assert any(finding["grade"] == grade and mend in (finding["mend"] or "") for finding in bad), (check, found.get(check))


def test_local():
    """Without a URL the settings, the database, the socket and the limits are looked at, and nothing fails"""
    done = app().command("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "ok    the settings are sound", lines
    for part in ("tokens are verified with HS256", "no migration is pending", "something listens at unix:"):
        assert any(line.startswith("ok") and part in line for line in lines), (part, done.stdout)


def test_local_faults():
    """Faulty settings, pending migrations, a log that cannot be written and unknown users are each a line"""
    done = app().command("doctor", env={"WORKERS": "many", "BODY_MAX": "-1"})
    assert done.returncode == 1, done.stdout
    assert sum(line.startswith("fail") for line in done.stdout.splitlines()) == 2, done.stdout
    fresh = harness.App("lab", prepare=(), start=False)
    done = fresh.command("doctor", env={"LISTEN_ALLOW": "nobody-by-this-name"})
    assert done.returncode == 1 and "lab db upgrade" in done.stdout, done.stdout
    assert "warn  nothing listens at" in done.stdout, done.stdout
    assert os.listdir(fresh.directory) == [], "looking makes nothing"
    done = app().command("doctor", env={"LISTEN_ALLOW": "nobody-by-this-name", "LOG_FILE": "/nowhere/log"})
    assert "LISTEN_ALLOW names nobody-by-this-name" in done.stdout and "LOG_FILE /nowhere/log" in done.stdout, done.stdout


def test_shipped_configuration():
    """Behind nginx as it is shipped nothing fails and, but for documentation pages that are not there, nothing warns"""
    front = harness.Nginx(app().socket_path, harness.directory("docs"))
    found, _ = examine(front, "--token", token())
    local = {"runtime_dir", "socket_access", "clock", "running", "disk_space", "open_files", "backlog", "docs"}
    bad = [finding for check, each in found.items() for finding in each if finding["grade"] != "ok" and check not in local]
    assert bad == [], bad
    for check in ("authorization", "path", "body", "body_limit", "chunked", "stream", "compression", "errors", "headers"):
        assert found[check], check


def test_careless_configuration():
    """What a careless nginx strips, buffers, limits and replaces is found, each with nginx's own line that mends it"""
    front = nginx(params='fastcgi_param HTTP_AUTHORIZATION ""; fastcgi_param REQUEST_URI $uri$is_args$args;',
                  server_level="keepalive_timeout 0; client_max_body_size 130k; error_page 404 422 /gone.html;",
                  location="fastcgi_ignore_headers X-Accel-Buffering; fastcgi_intercept_errors on; "
                           "limit_except GET POST { deny all; } fastcgi_buffer_size 2k; fastcgi_buffers 8 2k;")
    found, _ = examine(front)
    is_ill(found, "authorization", "fail", "fastcgi_param HTTP_AUTHORIZATION $http_authorization;")
    is_ill(found, "path", "warn", "fastcgi_param REQUEST_URI $request_uri;")
    is_ill(found, "body_limit", "fail", "client_max_body_size 64m;")
    is_ill(found, "methods", "fail", "limit_except")
    is_ill(found, "headers", "warn", "fastcgi_buffer_size 16k;")
    is_ill(found, "compression", "warn", "gzip_types application/json")
    is_ill(found, "errors", "fail", "fastcgi_intercept_errors off;")
    is_ill(found, "stream", "warn", "fastcgi_buffering off;")
    is_ill(found, "httpoxy", "warn", 'fastcgi_param HTTP_PROXY "";')
    is_ill(found, "keep_alive", "warn", "keepalive_timeout 65s;")


def test_limit_between():
    """A web server's limit just at BODY_MAX lets bodies arrive, and is found to answer in the application's place"""
    found, _ = examine(nginx(server_level="client_max_body_size 1m;"))
    assert all(finding["grade"] == "ok" for finding in found["body"]), found["body"]
    is_ill(found, "body_limit", "warn", "client_max_body_size 64m;")


def test_token_refused():
    """A token that arrives and is refused is told apart from one that is taken out"""
    front = nginx()
    found, done = examine(front, "--token", "n0t.a.token")
    is_ill(found, "authorization", "fail", "JWT_KEY")
    assert "n0t.a.token" not in done.stdout + done.stderr
    assert harness.TOKEN_KEY not in done.stdout + done.stderr


def test_no_application():
    """A web server that does not reach the application, and an address where nobody listens, are told as such"""
    found, _ = examine(nginx(pass_to="/nowhere.sock"))
    is_ill(found, "reach", "fail", "LISTEN")
    done = app().command("doctor", "--url", f"http://127.0.0.1:{harness.free_port()}")
    assert done.returncode == 1 and "is not the application" in done.stdout, done.stdout


def test_other_application():
    """An application with another RUNTIME_DIR tells this doctor nothing"""
    found, _ = examine(nginx(), RUNTIME_DIR=harness.directory("other"))
    is_ill(found, "echo", "fail", "with what settings the application runs")


def test_hidden_from_others():
    """For who cannot prove to be the doctor the address does not exist, and a proof does not stay behind"""
    front = nginx()
    examine(front)
    assert not os.path.exists(os.path.join(app().directory, "run", "lab.doctor"))
    for secret in ({}, {"X-Banyan-Doctor": "x" * 43}, {"X-Banyan-Doctor": ""}):
        check_problem(front.client().get("/doctor/echo", headers=secret), 404, "not-found")


def test_usage():
    """Addresses that are none, and a token without an address, are usage errors"""
    for words in (["--url", "example.org"], ["--url"], ["--token", "x"], ["--nonsense"]):
        assert app().command("doctor", *words).returncode == 64, words


def test_pools():
    """The socket of each pool is looked at; faults of a pool are told"""
    app = harness.App(env={"POOLS": "web, api", "POOL_API_LISTEN": f"unix:{harness.directory('api')}/api.sock"})
    told = app.command("doctor").stdout
    for address in (app.socket_path, app.env["POOL_API_LISTEN"]):
        assert f"something listens at unix:{address.removeprefix('unix:')} " in told, told
    told = app.command("doctor", env={"POOL_API_WORKERS": "many"}).stdout
    assert "fail" in told and "pool api: WORKERS" in told, told
    assert app.stop() == 0


harness.main()
