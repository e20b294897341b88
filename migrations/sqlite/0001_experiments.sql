-- Experiments: one recorded run of a microscope each.

-- banyan:up
CREATE TABLE experiments (
	id TEXT NOT NULL PRIMARY KEY,
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL,
	is_deleted BOOLEAN NOT NULL DEFAULT 0,
	version INTEGER NOT NULL DEFAULT 1,
	name TEXT NOT NULL,
	accession TEXT,
	description TEXT,
	specimen TEXT,
	instrument TEXT,
	objective_magnification REAL,
	numerical_aperture REAL,
	pixel_size_um REAL,
	exposure_ms REAL,
	fps REAL NOT NULL,
	frame_count INTEGER NOT NULL DEFAULT 0,
	tags TEXT NOT NULL DEFAULT '[]',
	status TEXT NOT NULL DEFAULT 'planned' CHECK (status IN ('planned', 'recording', 'recorded', 'published')),
	started_at TIMESTAMP,
	finished_at TIMESTAMP,
	published_at TIMESTAMP,
	published_by TEXT
);
CREATE UNIQUE INDEX experiments_accession ON experiments (accession) WHERE NOT is_deleted;
CREATE INDEX experiments_created_at ON experiments (created_at, id) WHERE NOT is_deleted;

-- banyan:down
DROP TABLE experiments;
