-- Experiments: one recorded run of a microscope each.

-- banyan:up
CREATE TABLE experiments (
	id text COLLATE "C" NOT NULL PRIMARY KEY,
	created_at timestamp with time zone NOT NULL,
	updated_at timestamp with time zone NOT NULL,
	is_deleted boolean NOT NULL DEFAULT false,
	version bigint NOT NULL DEFAULT 1,
	name text COLLATE "C" NOT NULL,
	accession text COLLATE "C",
	description text COLLATE "C",
	specimen text COLLATE "C",
	instrument text COLLATE "C",
	objective_magnification double precision,
	numerical_aperture double precision,
	pixel_size_um double precision,
	exposure_ms double precision,
	fps double precision NOT NULL,
	frame_count bigint NOT NULL DEFAULT 0,
	tags jsonb NOT NULL DEFAULT '[]',
	status text COLLATE "C" NOT NULL DEFAULT 'planned'
		CHECK (status IN ('planned', 'recording', 'recorded', 'published')),
	started_at timestamp with time zone,
	finished_at timestamp with time zone,
	published_at timestamp with time zone,
	published_by text COLLATE "C"
);
CREATE UNIQUE INDEX experiments_accession ON experiments (accession) WHERE NOT is_deleted;
CREATE INDEX experiments_created_at ON experiments (created_at, id) WHERE NOT is_deleted;

-- banyan:down
DROP TABLE experiments;
