EXTRA_DIST += \
	README.md \
	docs/architecture.md \
	docs/benchmarks.json \
	docs/benchmarks.md \
	docs/benchmarks.svg \
	docs/data.md \
	docs/endpoints.md \
	docs/http.md \
	docs/models.md \
	docs/operations.md \
	docs/requirements.md \
	docs/shared-hosting.md \
	docs/settings.md \
	docs/webservers.md
