/*
 * Sample data: a dozen protocols of a microscopy group, each run five times.
 * Everything follows from the number of the run, so that a second seeding
 * finds what the first one made.
 */
#include "routes/services/seed.h"

#include <inttypes.h>
#include <string.h>

#include <banyan/database.h>

#include "routes/crud/datasets.h"
#include "routes/crud/experiments.h"

enum { RUNS_PER_PROTOCOL = 5, MOST_DATASETS = 5 };

static const int64_t DAY_US = INT64_C(86400000000);
static const int64_t FIRST_RUN_US = INT64_C(1767603600000000); /* 2026-01-05T09:00:00Z */

/* How one kind of experiment is recorded. */
typedef struct protocol {
	const char *name;
	const char *file; /* what its files are called after */
	const char *description;
	const char *specimen;
	const char *instrument;
	double      magnification;
	double      aperture;
	double      pixel_size_um;
	double      exposure_ms;
	double      fps;
	int64_t     frames;
	int64_t     bytes_per_frame;
	const char *tags[3];
	const char *channels[4];
} protocol;

static const protocol protocols[] = {
	{ "Mitosis in HeLa H2B-GFP", "hela-h2b-gfp", "Chromosome segregation over one cell cycle, undisturbed control.",
	  "HeLa Kyoto, H2B-GFP", "Nikon Ti2-E spinning disk", 60, 1.4, 0.108, 80, 0.0333, 1440, 8388608,
	  { "mitosis", "time-lapse", "control" }, { "GFP" } },
	{ "Mitosis under nocodazole", "hela-nocodazole", "Spindle checkpoint response to 50 nM nocodazole.",
	  "HeLa Kyoto, H2B-GFP, tubulin-mCherry", "Nikon Ti2-E spinning disk", 60, 1.4, 0.108, 100, 0.0333, 1440, 16777216,
	  { "mitosis", "drug", "time-lapse" }, { "GFP", "mCherry" } },
	{ "Calcium waves in zebrafish heart", "zf-gcamp-heart", "Calcium transients at 48 hours post fertilisation.",
	  "Danio rerio Tg(myl7:GCaMP6f), 48 hpf", "Zeiss Lightsheet Z.1", 20, 1.0, 0.325, 4, 200, 6000, 1048576,
	  { "calcium", "heart", "light sheet" }, { "GCaMP6f" } },
	{ "Neuronal activity in larval zebrafish", "zf-h2b-gcamp-brain", "Spontaneous whole-brain activity, no stimulus.",
	  "Danio rerio Tg(elavl3:H2B-GCaMP6s), 6 dpf", "Zeiss Lightsheet Z.1", 20, 1.0, 0.406, 10, 40, 24000, 2097152,
	  { "calcium", "brain", "light sheet" }, { "GCaMP6s" } },
	{ "Actin flow in keratocytes", "keratocyte-actin", "Retrograde flow by speckle microscopy.",
	  "Fish epidermal keratocytes, phalloidin-Alexa 568", "Olympus IX83 TIRF", 100, 1.49, 0.065, 50, 2, 600, 2097152,
	  { "actin", "motility", "tirf" }, { "Alexa568" } },
	{ "Single-molecule tracking of Sox2", "sox2-halo-smt", "Residence times of Halo-tagged Sox2 in the nucleus.",
	  "Mouse ES cells, Sox2-Halo, JF646", "Custom HILO stage 2", 100, 1.49, 0.16, 10, 100, 20000, 131072,
	  { "single molecule", "nucleus", "tracking" }, { "JF646" } },
	{ "Membrane trafficking of Rab5", "rab5-endosomes", "Fusion and fission of early endosomes.",
	  "COS-7, Rab5-mCherry, EEA1-GFP", "Leica SP8 confocal", 63, 1.4, 0.09, 120, 1, 900, 4194304,
	  { "endosome", "trafficking", "confocal" }, { "mCherry", "GFP" } },
	{ "Root growth in Arabidopsis", "arabidopsis-root", "Elongation zone under osmotic stress, 150 mM mannitol.",
	  "Arabidopsis thaliana Col-0, WAVE-131Y", "Zeiss LSM 880 Airyscan", 25, 0.8, 0.35, 200, 0.0083, 720, 12582912,
	  { "plant", "growth", "stress" }, { "YFP", "propidium iodide" } },
	{ "Bacterial division in a mother machine", "ecoli-mother-machine", "Growth rate and division size per lineage.",
	  "Escherichia coli MG1655, pRNA1-mCherry", "Nikon Ti2-E widefield", 100, 1.45, 0.065, 30, 0.0167, 4320, 4194304,
	  { "bacteria", "lineage", "microfluidics" }, { "phase", "mCherry" } },
	{ "Gastrulation in Drosophila", "dmel-gastrulation", "Apical constriction during ventral furrow formation.",
	  "Drosophila melanogaster, sqh-GFP, Gap43-mCherry", "MuVi-SPIM", 25, 1.1, 0.26, 30, 0.2, 540, 33554432,
	  { "development", "light sheet", "morphogenesis" }, { "GFP", "mCherry" } },
	{ "Mitochondrial dynamics in neurons", "neuron-mito", "Axonal transport of mitochondria, 37 degrees.",
	  "Rat hippocampal neurons DIV14, mito-DsRed", "Leica SP8 confocal", 63, 1.4, 0.12, 150, 0.5, 1200, 3145728,
	  { "mitochondria", "neuron", "transport" }, { "DsRed", "GFP" } },
	{ "Super-resolution of nuclear pores", "npc-dstorm", "Nup96 reference structure, calibration of the week.",
	  "U2OS, Nup96-SNAP, Alexa 647", "Custom dSTORM stage 1", 160, 1.43, 0.1, 15, 66.6, 60000, 131072,
	  { "super-resolution", "nuclear pore", "calibration" }, { "Alexa647" } },
};

/* What comes out of a run, in the order in which it is made. */
typedef struct product {
	stored_dataset_kind   kind;
	stored_dataset_format format;
	const char           *suffix;
	double                share; /* of the raw bytes */
} product;

static const product products[MOST_DATASETS] = {
	{ stored_dataset_kind_raw, stored_dataset_format_ome_tiff, ".ome.tif", 1 },
	{ stored_dataset_kind_deconvolved, stored_dataset_format_ome_zarr, "_deconvolved.ome.zarr", 1.6 },
	{ stored_dataset_kind_segmentation, stored_dataset_format_hdf5, "_segmentation.h5", 0.08 },
	{ stored_dataset_kind_tracks, stored_dataset_format_csv, "_tracks.csv", 0.0004 },
	{ stored_dataset_kind_measurements, stored_dataset_format_csv, "_measurements.csv", 0.0001 },
};

/* splitmix64: the same numbers from the same seed, everywhere. */
static uint64_t mixed(uint64_t seed)
{
	uint64_t x = seed + UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* An identifier of the given time whose other bits follow from the seed. */
static by_ulid ulid_of(int64_t us, uint64_t seed)
{
	by_ulid        id;
	const uint64_t ms = (uint64_t)us / 1000;
	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	for (int i = 6; i < 16; i++)
		id.bytes[i] = (uint8_t)mixed(seed * 16 + (uint64_t)i);
	return id;
}

static int64_t start_of(int run)
{
	return FIRST_RUN_US + run * 5 * DAY_US + (int64_t)(mixed((uint64_t)run) % 480) * 60000000;
}

static by_list_string list_of(const char *const *items, size_t most)
{
	by_list_string list = { .items = NULL };
	while (list.count < most && items[list.count])
		list.count++;
	list.items = (const char **)(uintptr_t)items;
	return list;
}

/* Of ten runs one is planned, one is running, three are done and five are published. */
static stored_experiment_status status_of(int run)
{
	static const stored_experiment_status of_ten[10] = {
		stored_experiment_status_published, stored_experiment_status_published, stored_experiment_status_recorded,
		stored_experiment_status_published, stored_experiment_status_planned, stored_experiment_status_published,
		stored_experiment_status_recorded, stored_experiment_status_recording, stored_experiment_status_published,
		stored_experiment_status_recorded,
	};
	return of_ten[run % 10];
}

static int64_t frames_of(const protocol *p, int run)
{
	switch (status_of(run)) {
	case stored_experiment_status_planned:
		return 0;
	case stored_experiment_status_recording:
		return p->frames / 3;
	default:
		return p->frames - (int64_t)(mixed((uint64_t)run + 7) % 4) * (p->frames / 20);
	}
}

static by_time *time_at(by_ctx *ctx, int64_t us)
{
	by_time *time = BY_NEW(ctx->arena, by_time);
	time->us = us;
	return time;
}

static double *number_at(by_ctx *ctx, double value)
{
	double *number = BY_NEW(ctx->arena, double);
	*number = value;
	return number;
}

static void make_experiment(by_ctx *ctx, int run, experiment *row)
{
	const protocol *p = &protocols[run / RUNS_PER_PROTOCOL];
	const int64_t   start = start_of(run);
	const int64_t   frames = frames_of(p, run);
	*row = (experiment){
		.base = { .id = ulid_of(start, (uint64_t)run) },
		.name = by_format(ctx->arena, "%s, run %d", p->name, run % RUNS_PER_PROTOCOL + 1),
		.accession = by_format(ctx->arena, "MIC-2026-%04d", run + 1),
		.description = p->description, .specimen = p->specimen, .instrument = p->instrument,
		.objective_magnification = number_at(ctx, p->magnification), .numerical_aperture = number_at(ctx, p->aperture),
		.pixel_size_um = number_at(ctx, p->pixel_size_um), .exposure_ms = number_at(ctx, p->exposure_ms),
		.fps = p->fps, .frame_count = frames,
		.tags = list_of(p->tags, BY_COUNT(p->tags)), .status = status_of(run),
	};
	if (row->status != stored_experiment_status_planned)
		row->started_at = time_at(ctx, start);
	if (row->status >= stored_experiment_status_recorded)
		row->finished_at = time_at(ctx, start + (int64_t)((double)frames / p->fps * 1e6));
	if (row->status == stored_experiment_status_published) {
		row->published_at = time_at(ctx, row->finished_at->us + 21 * DAY_US);
		row->published_by = run % 2 ? "rosalind" : "antonie";
	}
}

static int datasets_of(int run)
{
	switch (status_of(run)) {
	case stored_experiment_status_planned:
		return 0;
	case stored_experiment_status_recording:
		return 1;
	case stored_experiment_status_recorded:
		return 3;
	default:
		return run % 3 == 0 ? 4 : 5;
	}
}

static const char *digest_of(by_ctx *ctx, uint64_t seed)
{
	return by_format(ctx->arena, "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, mixed(seed), mixed(seed + 1),
	    mixed(seed + 2), mixed(seed + 3));
}

static void make_dataset(by_ctx *ctx, int run, int number, const experiment *of, dataset *row)
{
	const protocol *p = &protocols[run / RUNS_PER_PROTOCOL];
	const product  *made = &products[number];
	const uint64_t  seed = 1000 + (uint64_t)(run * MOST_DATASETS + number);
	*row = (dataset){
		.base = { .id = ulid_of(of->started_at->us + (number + 1) * DAY_US / 8, seed) },
		.experiment_id = of->base.id, .kind = made->kind, .format = made->format,
		.name = by_format(ctx->arena, "%s_run%d%s", p->file, run % RUNS_PER_PROTOCOL + 1, made->suffix),
		.size_bytes = (int64_t)(made->share * (double)(p->bytes_per_frame * of->frame_count)),
		.sha256 = digest_of(ctx, seed * 4),
		.channels = list_of(p->channels, BY_COUNT(p->channels)), .frame_count = of->frame_count,
	};
}

/* Whether there is such a row, marked as deleted or not. */
static by_error *is_there(by_ctx *ctx, const by_model *model, by_ulid id, bool *there)
{
	by_query     query = { .by_cursor = true, .size = 1, .with_deleted = true };
	by_list_any  rows = { 0 };
	by_page_info info = { 0 };
	query.where = by_spec_eq(ctx->arena, model, "id", by_value_ulid(id));
	BY_TRY(by_store_list(ctx, model, &query, &rows, &info));
	*there = rows.count > 0;
	return BY_OK;
}

static by_error *seed_run(by_ctx *ctx, int run)
{
	experiment row;
	bool       there = false;
	make_experiment(ctx, run, &row);
	BY_TRY(is_there(ctx, &experiment_model, row.base.id, &there));
	if (!there)
		BY_TRY(experiments_create(ctx, &row));
	for (int i = 0; i < datasets_of(run); i++) {
		dataset file;
		make_dataset(ctx, run, i, &row, &file);
		BY_TRY(is_there(ctx, &dataset_model, file.base.id, &there));
		if (!there)
			BY_TRY(datasets_create(ctx, &file));
	}
	return BY_OK;
}

static by_error *seed_all(by_ctx *ctx, void *argument)
{
	(void)argument;
	for (int run = 0; run < (int)BY_COUNT(protocols) * RUNS_PER_PROTOCOL; run++)
		BY_TRY(seed_run(ctx, run));
	return BY_OK;
}

by_error *seed_lab(by_ctx *ctx)
{
	return by_transact(ctx, BY_TX_READ_COMMITTED, seed_all, NULL);
}
