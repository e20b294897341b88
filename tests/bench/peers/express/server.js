// The lab's four measured routes in Express with pg and ajv: a pool, named prepared statements, a compiled validator.
"use strict";
const { randomBytes } = require("node:crypto");
const Ajv = require("ajv");
const formats = require("ajv-formats");
const express = require("express");
const pg = require("pg");

pg.types.setTypeParser(pg.types.builtins.INT8, Number);
const pool = new pg.Pool({ min: 10, max: 10 });
const app = express();
app.disable("x-powered-by");
app.disable("etag");

const text = (minLength, maxLength) => ({ type: "string", minLength, maxLength });
const above = (maximum) => ({ type: "number", exclusiveMinimum: 0, maximum });
const when = { type: ["string", "null"], format: "date-time" };
const properties = {
	name: text(1, 200),
	accession: { type: ["string", "null"], maxLength: 15, pattern: "^[A-Z]{2,5}-[0-9]{4}-[0-9]{4}$" },
	description: { type: ["string", "null"], maxLength: 4000 },
	specimen: text(1, 200),
	instrument: text(1, 100),
	objective_magnification: above(250),
	numerical_aperture: above(1.7),
	pixel_size_um: above(100),
	exposure_ms: above(60000),
	fps: above(1000),
	frame_count: { type: "integer", minimum: 0, maximum: 100000000, default: 0 },
	tags: {
		type: "array", maxItems: 20, uniqueItems: true, default: [],
		items: { ...text(1, 40), pattern: "^[a-z0-9][a-z0-9 -]*$" },
	},
	started_at: when,
	finished_at: when,
};
const ajv = new Ajv({ allErrors: true, useDefaults: true, allowUnionTypes: true });
formats(ajv);
const validate = ajv.compile({
	type: "object", properties, additionalProperties: false,
	required: ["name", "specimen", "instrument", "objective_magnification", "numerical_aperture", "pixel_size_um",
		"exposure_ms", "fps"],
});

const shown = ["id", ...Object.keys(properties).slice(0, 12), "status", "started_at", "finished_at", "published_at",
	"published_by", "created_at", "updated_at", "version"].join(", ");
const written = [...Object.keys(properties), "id", "status", "created_at", "updated_at", "is_deleted", "version"];
const find = { name: "find", text: `SELECT ${shown} FROM experiments WHERE id = $1 AND NOT is_deleted` };
const list = {
	name: "list",
	text: `SELECT ${shown} FROM experiments WHERE NOT is_deleted AND id > $1 ORDER BY id LIMIT $2`,
};
const insert = {
	name: "insert",
	text: `INSERT INTO experiments (${written.join(", ")}) VALUES (${written.map((_, n) => `$${n + 1}`).join(", ")}) ` +
		`RETURNING ${shown}`,
};

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
function ulid() {
	let number = (BigInt(Date.now()) << 80n) | BigInt("0x" + randomBytes(10).toString("hex"));
	let id = "";
	for (let n = 0; n < 26; n++, number >>= 5n) id = alphabet[Number(number & 31n)] + id;
	return id;
}

app.get("/api/v1/ping", (request, response) => {
	response.json({ message: "pong", service: "lab", time: new Date() });
});

app.get("/api/v1/experiments/:id", async (request, response) => {
	const { rows } = await pool.query({ ...find, values: [request.params.id] });
	if (rows.length === 0) return response.sendStatus(404);
	response.json(rows[0]);
});

app.get("/api/v2/experiments", async (request, response) => {
	const size = Number(request.query.size ?? 20);
	if (!Number.isInteger(size) || size < 1 || size > 100) return response.sendStatus(422);
	const { rows } = await pool.query({ ...list, values: [request.query.cursor ?? "", size + 1] });
	const more = rows.length > size;
	if (more) rows.pop();
	response.json({ data: rows, meta: { size, has_next: more, next_cursor: more ? rows[rows.length - 1].id : null } });
});

app.post("/api/v1/experiments", express.json(), async (request, response) => {
	const body = request.body;
	if (!validate(body)) return response.status(422).json({ errors: validate.errors });
	const now = new Date();
	const values = Object.keys(properties).map((name) => name === "tags" ? JSON.stringify(body.tags) : body[name] ?? null);
	const { rows } = await pool.query({ ...insert, values: [...values, ulid(), "planned", now, now, false, 1] });
	response.status(201).json(rows[0]);
});

app.listen(process.argv[2]);
