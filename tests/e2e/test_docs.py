"""The documentation: the OpenAPI document, the pages that nginx serves from files, health, and the commands beside them."""

import html
import json
import os
import re
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402


@harness.fixture
def site():
    return harness.Site(workers=1)


@harness.fixture
def document(version=""):
    """The document of a version; without one that of the newest."""
    got = site().client.get(f"/api/{version}/openapi.json" if version else "/openapi.json")
    assert got.status == 200 and got.headers["content-type"].split(";")[0] == "application/json", got
    return got.json()


def need_assets():
    if not os.path.exists(os.path.join(harness.BUILD, "docs", "docs", "index.html")):
        harness.skip("the viewers are not there: scripts/docs-assets BUILD/docs")


def operations(*versions):
    for version in versions or ("v1", "v2"):
        for path, item in document(version)["paths"].items():
            for method, operation in item.items():
                if method in ("get", "put", "post", "patch", "delete"):
                    yield path, method, operation


def test_pages():
    """/docs and /redoc answer HTML that names no other origin, under a strict Content-Security-Policy"""
    need_assets()
    for path in ("/docs", "/redoc"):
        got = site().client.get(path)
        assert got.status == 200 and got.headers["content-type"].startswith("text/html"), got
        policy = got.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "http" not in policy, policy
        assert not re.search(r"(src|href)=\"(https?:)?//", got.text), got.text
        for asset in re.findall(r'(?:src|href)="(/[^"]+)"', got.text):
            found = site().client.get(asset)
            assert found.status == 200 and len(found.body) > 100, (asset, found.status)
            assert "max-age" in found.headers.get("cache-control", ""), (asset, found.headers)


def test_pages_render():
    """A browser shows every operation on both pages, and nothing that they do breaks their policy"""
    need_assets()
    program = next(filter(None, map(harness.program_path, ("chromium", "google-chrome"))), None)
    if program is None:
        harness.skip("no Chromium is installed")
    summaries = {operation["summary"] for _, _, operation in operations("v2")}
    for path in ("/docs", "/redoc"):
        done = harness.run([program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                            "--disable-component-update", "--disable-sync", "--no-first-run", "--enable-logging=stderr",
                            f"--user-data-dir={harness.directory('browser')}", "--virtual-time-budget=8000", "--dump-dom",
                            f"http://127.0.0.1:{site().port}{path}"], timeout=60)
        assert done.returncode == 0, done.stderr
        shown = html.unescape(done.stdout)
        assert not [summary for summary in summaries if f">{summary}<" not in shown], (path, shown[-2000:])
        told = [line for line in done.stderr.splitlines() if "CONSOLE" in line or "Refused to" in line]
        assert not told, told


def test_pages_are_read_only():
    """Another method on a page is 405 with Allow, a missing asset 404, both as problem documents"""
    need_assets()
    for path in ("/docs", "/redoc", "/docs/assets/swagger-ui.css"):
        got = site().client.delete(path)
        harness.check_problem(got, 405)
        assert got.headers["allow"] == "GET, HEAD", got.headers
    harness.check_problem(site().client.get("/docs/assets/absent.js"), 404)


def test_pages_bypass_application():
    """Fetching the documentation pages leaves the application's request counter unchanged"""
    need_assets()

    def count():
        """All requests but the scrapes that count them."""
        text, name = site().metrics(), "http_server_request_duration_seconds_count"
        return harness.metric_sum(text, name) - harness.metric_sum(text, name, http_route="/metrics")

    before = count()
    for path in ("/docs", "/redoc", "/docs/assets/swagger-ui.css"):
        assert site().client.get(path).status == 200
    assert count() == before
    assert site().client.get("/live").status == 200
    assert count() == before + 1, "the application's own requests are counted"


def test_compression():
    """JSON leaves nginx compressed when the client accepts it"""
    plain, packed = site().client.get("/openapi.json"), site().client.get(
        "/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert packed.headers.get("content-encoding") == "gzip" and len(packed.body) < len(plain.body) / 3, packed.headers


def test_document():
    """The OpenAPI document is 3.1, has an entity tag, and equals `lab openapi`"""
    assert document()["openapi"].startswith("3.1"), document()["openapi"]
    assert document()["info"]["title"] and document()["info"]["version"]
    got = site().client.get("/openapi.json")
    assert site().client.get("/openapi.json", headers={"If-None-Match": got.headers["etag"]}).status == 304
    done = site().app.command("openapi", check=True)
    assert json.loads(done.stdout) == document()


def test_versions():
    """Each version has a document of its own, and the plain address gives the newest"""
    assert document("v2") == document() != document("v1")
    assert all(path.startswith("/api/v1/") for path in document("v1")["paths"]), list(document("v1")["paths"])
    assert json.loads(site().app.command("openapi", "--version", "v1", check=True).stdout) == document("v1")


def test_document_is_valid():
    """The documents' references resolve, their operationIds differ, and they know no `nullable`"""
    for version in ("v1", "v2"):
        text = json.dumps(document(version))
        assert '"nullable"' not in text
        for reference in set(re.findall(r'"\$ref": "([^"]+)"', text)):
            node = document(version)
            for part in reference.removeprefix("#/").split("/"):
                assert part.replace("~1", "/").replace("~0", "~") in node, reference
                node = node[part.replace("~1", "/").replace("~0", "~")]
        ids = [operation["operationId"] for _, _, operation in operations(version)]
        assert len(ids) == len(set(ids)) and len(ids) > 10, ids
        assert len(document(version)["components"]["schemas"]) > 4


def test_document_against_routes():
    """Each document's paths and methods are those that `lab routes` prints for its version, hidden ones apart"""
    for version in ("v1", "v2"):
        rows = json.loads(site().app.command("routes", "--json", "--version", version, check=True).stdout)
        routes = {(row["path"], row["method"].lower()) for row in rows if not row["hidden"]}
        described = {(path, method) for path, method, _ in operations(version)}
        assert described == routes, described ^ routes
        assert any(path == f"/api/{version}/experiments" for path, _ in routes)


def test_operations_are_whole():
    """Every operation has summary, tag, a described success and problem documents, and security when it needs a token"""
    for path, method, operation in operations():
        if not path.startswith("/api/"):
            continue
        where = (path, method)
        assert operation["summary"] and operation["tags"], where
        answers = operation["responses"]
        assert any(status.startswith("2") for status in answers), where
        problems = [answer for status, answer in answers.items() if status[0] in "45"]
        assert problems, where
        for answer in problems:
            if "$ref" in answer:
                answer = document(path.split("/")[2])["components"]["responses"][answer["$ref"].rsplit("/", 1)[-1]]
            assert "application/problem+json" in answer["content"], where
        if method != "get":
            assert operation["security"] and "401" in answers and "403" in answers, where
        for name in re.findall(r"{(\w+)}", path):
            assert any(p["name"] == name and p["in"] == "path" and p["required"] for p in operation["parameters"]), where


def test_examples_work():
    """The document's example of a create is accepted when it is sent"""
    sent = 0
    for path, method, operation in operations():
        if method != "post" or "{" in path:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        examples = [content["example"]] if "example" in content else \
            [example["value"] for example in content.get("examples", {}).values()]
        if not examples:
            name = content["schema"]["$ref"].rsplit("/", 1)[-1]
            schema = document(path.split("/")[2])["components"]["schemas"][name]
            examples = schema.get("examples", [])
        assert examples, (path, operation["requestBody"])
        for example in examples:
            got = site().editor.post(path, example)
            assert got.status in (201, 409, 404, 422) if "experiment_id" in example else got.status == 201, (path, got)
            sent += 1
    assert sent >= 2


def test_routes_command():
    """`lab routes` prints every route with its policy and the file and line that declared it"""
    done = site().app.command("routes", check=True)
    line = next(line for line in done.stdout.splitlines() if "/api/v1/experiments/{id}" in line and "DELETE" in line)
    assert "editor" in line and re.search(r"routes/v1/\w+\.c:\d+", line), line


def test_routes_have_a_version():
    """Every route of the lab starts with /api/v1 or /api/v2, as its version says"""
    rows = json.loads(site().app.command("routes", "--json", check=True).stdout)
    of_the_lab = [row for row in rows if row["file"].startswith("routes/")]
    assert {row["version"] for row in of_the_lab} == {"v1", "v2"}, rows
    for row in of_the_lab:
        assert row["path"].startswith(f"/api/{row['version']}/"), row


def test_schemas():
    """Models stand once under components/schemas with their constraints, words and defaults"""
    for version in ("v1", "v2"):
        schemas = document(version)["components"]["schemas"]
        new = schemas["experiment_create"]
        assert new["additionalProperties"] is False and "name" in new["required"], new
        assert new["properties"]["name"]["maxLength"] > 0 and new["properties"]["name"]["description"], new
        for path, method, operation in operations(version):
            for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(operation)):
                assert reference in schemas, (path, method, reference)


def test_version_features():
    """`lab version --features` names the libraries, with the version of each that tells one at run time"""
    said = site().app.command("version", "--features", check=True).stdout
    for library in ("libuv", "json-c", "libpq", "SQLite", "PCRE2"):
        assert re.search(rf"(?m)^{library} +\d+\.\d+", said), said
    assert re.search(r"(?m)^OpenSSL +OpenSSL \d", said), said
    assert re.search(r"(?m)^libfcgi ", said) and re.search(r"(?m)^libjwt ", said), said


def test_health():
    """/health, /live and /ready answer 200 with JSON that is not stored"""
    for path in ("/health", "/live", "/ready"):
        got = site().client.get(path)
        assert got.status == 200 and got.headers["cache-control"] == "no-store", got
        assert got.json()["status"] in ("healthy", "ok", "ready", "live", "alive"), got
        assert site().client.request("HEAD", path).status == 200
    health = site().client.get("/health").json()
    assert health["status"] == "healthy" and health["components"]["database"]["status"] == "healthy", health
    assert health["version"] and health["uptime_seconds"] >= 0, health
    assert site().app.directory not in json.dumps(health)


def test_metrics_format():
    """/metrics parses as Prometheus text with types, and every histogram's buckets rise to its count"""
    got = site().client.get("/metrics")
    assert got.status == 200 and got.headers["content-type"].startswith("text/plain; version=0.0.4"), got.headers
    samples = harness.metrics(got.text)
    names = {name for name, _ in samples}
    assert "http_server_request_duration_seconds_count" in names, names
    typed = set(re.findall(r"(?m)^# TYPE (\S+) (?:counter|gauge|histogram)$", got.text))
    for name in names:
        assert name in typed or re.sub(r"_(bucket|sum|count)$", "", name) in typed, name
    series = {}
    for (name, labels), value in samples.items():
        if name.endswith("_bucket"):
            bound = dict(labels)["le"]
            series.setdefault((name, labels - {("le", bound)}), []).append((float(bound.replace("+Inf", "inf")), value))
    assert series
    for (name, labels), buckets in series.items():
        values = [value for _, value in sorted(buckets)]
        assert values == sorted(values), (name, labels, values)
        assert values[-1] == samples[name.replace("_bucket", "_count"), labels], (name, labels)


def test_metrics_are_private():
    """nginx's configuration keeps /metrics to this machine"""
    text = harness.read(os.path.join(harness.SOURCE, "deploy", "nginx", "banyan-app.conf"))
    block = re.search(r"location = /metrics \{(.*?)\}", text, re.S)[1]
    assert "deny all" in block and "allow 127.0.0.1" in block


def test_tls():
    """The TLS variant answers over HTTPS with HTTP/2 offered, and redirects plain HTTP"""
    key, certificate = harness.certificate()
    plain = harness.free_port()
    nginx = harness.Nginx(site().app.socket_path, os.path.join(harness.BUILD, "docs"), site="banyan-tls.conf",
                          marks={"plain": f"listen 127.0.0.1:{plain}", "certificate": f"ssl_certificate {certificate}",
                                 "key": f"ssl_certificate_key {key}"}, listen="ssl http2")
    got = nginx.client(context=harness.tls_context()).get("/api/v1/experiments?size=1")
    assert got.status == 200 and "max-age" in got.headers["strict-transport-security"], got
    moved = harness.Client(plain).get("/api/v1/experiments")
    assert moved.status == 308 and moved.headers["location"].startswith("https://"), moved
    if harness.program_path("curl"):
        done = harness.run(["curl", "-sk", "--http2", "-o", os.devnull, "-w", "%{http_version} %{http_code}",
                            f"https://127.0.0.1:{nginx.port}/api/v1/experiments"], check=True)
        assert done.stdout == "2 200", done.stdout


harness.main()
