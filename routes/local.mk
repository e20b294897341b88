# The lab: everything but main() is a library, so that its tests link it too.
noinst_LIBRARIES = routes/liblab.a
routes_liblab_a_SOURCES = \
	routes/core/database.h \
	routes/core/roles.h \
	routes/core/settings.c \
	routes/core/settings.h \
	routes/crud/datasets.c \
	routes/crud/datasets.h \
	routes/crud/experiments.h \
	routes/dependencies/current_user.c \
	routes/dependencies/current_user.h \
	routes/dependencies/roles.h \
	routes/lab.c \
	routes/lab.h \
	routes/models/dataset.c \
	routes/models/dataset.h \
	routes/models/experiment.c \
	routes/models/experiment.h \
	routes/schemas/dataset.c \
	routes/schemas/dataset.h \
	routes/schemas/experiment.c \
	routes/schemas/experiment.h \
	routes/schemas/ping.c \
	routes/schemas/ping.h \
	routes/services/datasets.c \
	routes/services/datasets.h \
	routes/services/experiments.c \
	routes/services/experiments.h \
	routes/services/seed.c \
	routes/services/seed.h \
	routes/v1/datasets.c \
	routes/v1/experiments.c \
	routes/v1/ping.c \
	routes/v1/routes.h \
	routes/v2/datasets.c \
	routes/v2/experiments.c \
	routes/v2/routes.h

# Its migrations, embedded as SQL text.
LAB_MIGRATIONS = \
	migrations/postgresql/0001_experiments.sql \
	migrations/postgresql/0002_datasets.sql \
	migrations/sqlite/0001_experiments.sql \
	migrations/sqlite/0002_datasets.sql
EXTRA_DIST += $(LAB_MIGRATIONS)
nodist_routes_liblab_a_SOURCES = routes/core/migrations.c
CLEANFILES += routes/core/migrations.c

routes/core/migrations.c: $(LAB_MIGRATIONS) scripts/embed-migrations
	$(AM_V_GEN)$(MKDIR_P) routes/core && \
	$(SHELL) $(srcdir)/scripts/embed-migrations $(srcdir)/migrations lab_migrations >$@.new && mv $@.new $@

bin_PROGRAMS += lab
lab_SOURCES = routes/main.c
lab_LDADD = routes/liblab.a libbanyan-all.la

# Its manual page is what it says of itself.
if RUNS_HERE
man_MANS = lab.1
CLEANFILES += lab.1
lab.1: lab$(EXEEXT)
	$(AM_V_GEN)./lab$(EXEEXT) help --man >$@.new && mv $@.new $@
endif
