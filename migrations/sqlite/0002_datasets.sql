-- Datasets: the files that came out of an experiment.

-- banyan:up
CREATE TABLE datasets (
	id TEXT NOT NULL PRIMARY KEY,
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL,
	is_deleted BOOLEAN NOT NULL DEFAULT 0,
	version INTEGER NOT NULL DEFAULT 1,
	experiment_id TEXT NOT NULL REFERENCES experiments (id),
	name TEXT NOT NULL,
	kind TEXT NOT NULL CHECK (kind IN ('raw', 'deconvolved', 'segmentation', 'tracks', 'measurements')),
	format TEXT NOT NULL CHECK (format IN ('ome_tiff', 'ome_zarr', 'nd2', 'czi', 'hdf5', 'csv')),
	size_bytes INTEGER NOT NULL,
	sha256 TEXT,
	channels TEXT NOT NULL DEFAULT '[]',
	frame_count INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX datasets_sha256 ON datasets (sha256) WHERE NOT is_deleted;
CREATE INDEX datasets_experiment_id ON datasets (experiment_id, id) WHERE NOT is_deleted;

-- banyan:down
DROP TABLE datasets;
