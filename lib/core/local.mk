libbanyan_all_la_SOURCES += \
	lib/core/arena.c \
	lib/core/assert.c \
	lib/core/buf.c \
	lib/core/database.c \
	lib/core/error.c \
	lib/core/id.c \
	lib/core/number.c \
	lib/core/number.h \
	lib/core/runtime.h \
	lib/core/shared.h \
	lib/core/statement.c \
	lib/core/statement.h \
	lib/core/store.c \
	lib/core/time.c \
	lib/core/value.c
