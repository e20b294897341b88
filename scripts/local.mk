libbanyan_all_la_SOURCES += \
	scripts/cli/cli.c \
	scripts/cli/cli.h \
	scripts/cli/commands/config.c \
	scripts/cli/commands/db.c \
	scripts/cli/commands/doctor.c \
	scripts/cli/commands/health.c \
	scripts/cli/commands/help.c \
	scripts/cli/commands/reload.c \
	scripts/cli/commands/routes.c \
	scripts/cli/commands/serve.c \
	scripts/cli/commands/status.c \
	scripts/cli/commands/stop.c \
	scripts/cli/commands/token.c \
	scripts/cli/commands/version.c \
	scripts/cli/doctor/application.c \
	scripts/cli/doctor/doctor.h \
	scripts/cli/doctor/findings.c \
	scripts/cli/doctor/findings.h \
	scripts/cli/doctor/http.c \
	scripts/cli/doctor/http.h \
	scripts/cli/doctor/limits.c \
	scripts/cli/doctor/mend.c \
	scripts/cli/doctor/mend.h \
	scripts/cli/doctor/site.c \
	scripts/cli/doctor/sockets.c \
	scripts/cli/fastcgi_client.c \
	scripts/cli/fastcgi_client.h \
	scripts/cli/main.c \
	scripts/cli/man.c \
	scripts/cli/man.h \
	scripts/cli/order.c \
	scripts/cli/order.h \
	scripts/cli/running.c \
	scripts/cli/running.h

# Developer scripts; scripts/README.md says what each does.
EXTRA_DIST += \
	.ci/run \
	.clang-format \
	.clang-tidy \
	bootstrap \
	scripts/README.md \
	scripts/build \
	scripts/check-layers \
	scripts/check-secrets \
	scripts/fuzz \
	scripts/install-packages \
	scripts/lint \
	scripts/packages/bench \
	scripts/packages/build \
	scripts/packages/run \
	scripts/packages/test \
	scripts/quickstart \
	scripts/test

# Other applications embed their migrations with it too: pkg-config --variable=embed_migrations banyan
dist_pkgdata_SCRIPTS = scripts/embed-migrations

.PHONY: lint
lint: config.h
	$(srcdir)/scripts/lint --build $(builddir)
