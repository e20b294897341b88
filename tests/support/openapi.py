"""
The OpenAPI documents of a program, the validator that npm delivers, and exchanges with the program held against both:
`Traffic` collects what clients of this process send and receive, and tells what of it the documents do not describe.
"""

import gzip
import json
import os
import re
import shutil
from urllib.parse import parse_qsl, unquote, urlsplit

from . import harness

METHODS = ("get", "put", "post", "patch", "delete")


def printed(program, *arguments):
    """What one of the program's commands prints as JSON."""
    directory = harness.directory("openapi")
    env = {**harness.base_environment(), "DATABASE_URL": f"sqlite:{directory}/none.db"}
    return json.loads(harness.run([harness.binary(program), *arguments], env=env, cwd=directory, check=True).stdout)


@harness.fixture
def node_modules():
    """The validator, installed as its lock file says; skips the test where npm cannot have it."""
    harness.need("npm", "node")
    to = os.path.join(harness.BUILD, "tests", "npm")
    os.makedirs(to, exist_ok=True)
    lock = harness.read(os.path.join(harness.SOURCE, "tests", "package-lock.json"))
    done = os.path.join(to, "done")
    if not os.path.exists(done) or harness.read(done) != lock:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(os.path.join(harness.SOURCE, "tests", name), to)
        got = harness.run(["npm", "ci", "--silent", "--no-progress"], cwd=to, timeout=120)
        if got.returncode != 0:
            harness.skip(f"npm cannot install the validator: {(got.stderr or got.stdout).strip()[-200:]}")
        harness.write(done, lock)
    return os.path.join(to, "node_modules")


def node(name, script, *files):
    """Runs a script beside the validator's modules; the files are handed over as JSON."""
    directory, folder = os.path.dirname(node_modules()), harness.directory("openapi")
    paths = [harness.write(os.path.join(folder, f"{number}.json"), json.dumps(content))
             for number, content in enumerate(files)]
    path = harness.write(os.path.join(directory, f"{os.path.basename(folder)}-{name}.mjs"), script)
    try:
        return harness.run(["node", path, *paths], cwd=directory, timeout=60)
    finally:
        os.unlink(path)


# Each entry of the second file is [where, JSON pointer of the schema, value].
CHECK = """
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";

const [documents, entries] = process.argv.slice(2).map(path => JSON.parse(readFileSync(path)));
const faults = [];
for (const [version, document] of Object.entries(documents)) {
	const ajv = new Ajv.default({ strict: false, allErrors: true });
	formats.default(ajv);
	ajv.addFormat("ulid", true).addFormat("int32", true).addFormat("int64", true).addFormat("duration", true);
	ajv.addSchema({ $id: "doc", ...document });
	for (const [where, pointer, value] of entries[version] ?? [])
		if (!ajv.validate({ $ref: "doc#" + pointer }, value)) faults.push([where, ajv.errors]);
}
console.log(JSON.stringify(faults));
"""


def pointer(*names):
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


class Traffic:
    """Collects every exchange of harness.Client from now on. `documents` is a dict of version: document."""

    def __init__(self, documents):
        self.documents, self.exchanges = documents, []
        self.operations = [(version, path, method, re.compile(re.sub(r"{[^}]*}", "[^/]+", path) + r"\Z"), operation)
                           for version, document in documents.items() for path, item in document["paths"].items()
                           for method, operation in item.items() if method in METHODS]
        harness.Client.witness = self.exchanges.append

    def operation(self, method, path):
        for entry in self.operations:
            if entry[2] == method.lower() and entry[3].match(path):
                return entry
        return None

    def unused(self):
        """The operations that have answered no request with success, as "GET /path"."""
        used = {self.operation(method, urlsplit(path).path)[:3] for method, path, _, _, response in self.exchanges
                if response.status < 400 and self.operation(method, urlsplit(path).path)}
        return [f"{method.upper()} {path}" for version, path, method, _, _ in self.operations
                if (version, path, method) not in used]

    def faults(self):
        """What of the exchanges the documents do not describe, each once; and how many bodies were looked at."""
        found, entries, seen = {}, {}, set()
        for method, path, headers, body, response in self.exchanges:
            known = self.operation(method, urlsplit(path).path)
            if known:
                version, template, name, _, operation = known
                where = f"{method} {template} {response.status}"
                for fault in self.described(operation, path, headers, body, response):
                    found.setdefault(f"{where}: {fault}", path)
                for entry in bodies(template, name, operation, self.documents[version], where, body, response):
                    if (key := json.dumps(entry)) not in seen:
                        seen.add(key)
                        entries.setdefault(version, []).append(entry)
        done = node("traffic", CHECK, self.documents, entries)
        assert done.returncode == 0, done.stdout + done.stderr
        return [*found.items(), *json.loads(done.stdout)], len(seen)

    @staticmethod
    def described(operation, path, headers, body, response):
        """Status, media type, and of what was accepted the parameters and the body."""
        status = str(response.status)
        if status not in operation["responses"]:
            yield "this status is not described"
        if response.status >= 400:
            return
        known = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter.get("in") == "query"}
        for name, _ in parse_qsl(urlsplit(path).query, keep_blank_values=True):
            if unquote(name) not in known:
                yield f"the parameter {name} was accepted and is not described"
        if body and "requestBody" not in operation:
            yield "a body was sent and is not described"
        if body and media_type(headers.get("Content-Type", "")) not in operation.get("requestBody", {}).get("content", {}):
            yield f"a body of {headers.get('Content-Type')} was accepted and is not described"


def media_type(text):
    return text.split(";")[0].strip().lower()


def plain(response):
    """The body, without what the web server has done to it."""
    return gzip.decompress(response.body) if response.headers.get("content-encoding") == "gzip" else response.body


def bodies(path, method, operation, document, where, body, response):
    """[where, pointer of its schema, value] of each JSON body: those that came, and those that were accepted."""
    above, kind = ("paths", path, method), "application/json"
    if response.status < 400 and body and "requestBody" in operation and isinstance(body, bytes):
        yield [f"{where}, its request", pointer(*above, "requestBody", "content", kind, "schema"), json.loads(body)]
    answer = operation["responses"].get(str(response.status))
    if answer is None or not response.body:
        return
    if "$ref" in answer:
        names = answer["$ref"].split("/")[1:]
        above, answer = tuple(names), document[names[0]][names[1]][names[2]]
    else:
        above += ("responses", str(response.status))
    kind = media_type(response.headers.get("content-type", ""))
    if kind not in answer.get("content", {}):
        raise AssertionError(f"{where}: an answer of {kind} is not described")
    if kind.endswith("json"):
        yield [f"{where}, its answer", pointer(*above, "content", kind, "schema"), json.loads(plain(response))]
