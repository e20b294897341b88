"""The OpenAPI documents of the lab and the probe: valid under OpenAPI 3.1, their examples valid under their schemas,
and the same operations as the routes table."""

import json
import os
import re
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness, openapi  # noqa: E402
from support.openapi import METHODS, printed  # noqa: E402

@harness.fixture
def documents():
    return {("lab", "v1"): printed("lab", "openapi", "--version", "v1"),
            ("lab", "v2"): printed("lab", "openapi", "--version", "v2"),
            ("tests/apps/probe/probe", "v1"): printed("tests/apps/probe/probe", "openapi")}


VALIDATE = """
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";

const document = JSON.parse(readFileSync(process.argv[2]));
const faults = [];
const result = await new Validator().validate(structuredClone(document));
if (!result.valid) faults.push(result.errors);

const ajv = new Ajv.default({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addFormat("ulid", true).addFormat("int32", true).addFormat("int64", true).addFormat("duration", true);
ajv.addSchema({ $id: "doc", ...document });
let examples = 0;
function check(where, schema, value) {
	examples++;
	const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"doc#/'));
	if (!ajv.validate(absolute, value)) faults.push([where, ajv.errors]);
}
function walk(node, where) {
	if (node === null || typeof node !== "object") return;
	if (node.schema) {
		if ("example" in node) check(where, node.schema, node.example);
		for (const [name, example] of Object.entries(node.examples ?? {})) check(where + "/" + name, node.schema, example.value);
	}
	for (const [name, below] of Object.entries(node)) walk(below, where + "/" + name);
}
walk(document.paths, "paths");
walk(document.components.responses, "responses");
for (const [name, schema] of Object.entries(document.components.schemas))
	for (const [field, property] of Object.entries(schema.properties ?? {}))
		for (const value of property.examples ?? []) check(name + "." + field, property, value);
console.log(JSON.stringify({ version: result.valid, examples, faults }));
process.exit(faults.length ? 1 : 0);
"""


def validate(document):
    got = openapi.node("validate", VALIDATE, document)
    assert got.returncode == 0, (got.stdout + got.stderr)[:3000]
    return json.loads(got.stdout)


def test_documents_are_valid():
    """Each document is valid under the official OpenAPI 3.1 schema, and every example under its own schema"""
    for key, document in documents().items():
        got = validate(document)
        assert got["examples"] > 10, (key, got)


def test_validator_refuses():
    """The check itself finds a wrong document and a wrong example"""
    wrong = json.loads(json.dumps(documents()["lab", "v1"]))
    wrong["paths"]["/api/v1/ping"]["get"]["responses"]["200"]["content"]["application/json"]["example"]["time"] = 5
    openapi.node_modules()
    for broken in (wrong, {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {}, "responses": {}}}):
        try:
            validate(broken)
        except AssertionError:
            continue
        raise AssertionError("a wrong document passed")


def test_documents_and_routes_agree():
    """A document has the paths and methods of the routes table of its version, hidden rows apart"""
    for (program, version), document in documents().items():
        routes = printed(program, "routes", "--version", version, "--json")
        listed = {(re.sub(r"\.\.\.}", "}", row["path"]), row["method"].lower()) for row in routes if not row["hidden"]}
        described = {(path, method) for path, item in document["paths"].items() for method in item if method in METHODS}
        assert described == listed, (program, described ^ listed)


def test_problems_have_one_schema():
    """Every declared error is a problem document of the one schema"""
    for document in documents().values():
        used = set()
        for item in document["paths"].values():
            for operation in item.values():
                for status, answer in operation["responses"].items():
                    if status[0] in "45":
                        used.add(answer["$ref"].rsplit("/", 1)[1])
        assert used == set(document["components"]["responses"]), used
        for answer in document["components"]["responses"].values():
            content = answer["content"]
            assert list(content) == ["application/problem+json"], content
            assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/problem"}, content


def test_bodies_are_typed():
    """Every request and answer that has a body has a schema for it: of JSON and forms a model's, of what is written by hand text"""
    for (program, _), document in documents().items():
        for path, item in document["paths"].items():
            for method, operation in item.items():
                where = (program, method, path)
                if "requestBody" in operation:
                    content = operation["requestBody"]["content"]
                    assert "$ref" in content["application/json"]["schema"], where
                    assert all(media["schema"] == content["application/json"]["schema"] for media in content.values()), where
                success = {status: answer for status, answer in operation["responses"].items() if status[0] == "2"}
                assert len(success) == 1, where
                for status, answer in success.items():
                    if status == "204":
                        continue
                    (kind, media), = answer["content"].items()
                    assert media["schema"] == {"type": "string"} if kind != "application/json" else "$ref" in media["schema"], where


harness.main()
