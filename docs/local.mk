EXTRA_DIST += \
	README.md \
	docs/architecture.md \
	docs/benchmarks.json \
	docs/benchmarks.md \
	docs/benchmarks.svg \
	docs/http.md \
	docs/requirements.md
