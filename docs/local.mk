EXTRA_DIST += \
	README.md \
	docs/architecture.md \
	docs/benchmarks.md \
	docs/data.md \
	docs/endpoints.md \
	docs/http.md \
	docs/models.md \
	docs/requirements.md
