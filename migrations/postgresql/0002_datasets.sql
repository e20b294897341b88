-- Datasets: the files that came out of an experiment.

-- banyan:up
CREATE TABLE datasets (
	id text COLLATE "C" NOT NULL PRIMARY KEY,
	created_at timestamp with time zone NOT NULL,
	updated_at timestamp with time zone NOT NULL,
	is_deleted boolean NOT NULL DEFAULT false,
	version bigint NOT NULL DEFAULT 1,
	experiment_id text COLLATE "C" NOT NULL REFERENCES experiments (id),
	name text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL CHECK (kind IN ('raw', 'deconvolved', 'segmentation', 'tracks', 'measurements')),
	format text COLLATE "C" NOT NULL CHECK (format IN ('ome_tiff', 'ome_zarr', 'nd2', 'czi', 'hdf5', 'csv')),
	size_bytes bigint NOT NULL,
	sha256 text COLLATE "C",
	channels jsonb NOT NULL DEFAULT '[]',
	frame_count bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX datasets_sha256 ON datasets (sha256) WHERE NOT is_deleted;
CREATE INDEX datasets_experiment_id ON datasets (experiment_id, id) WHERE NOT is_deleted;

-- banyan:down
DROP TABLE datasets;
