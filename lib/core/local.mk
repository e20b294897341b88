libbanyan_all_la_SOURCES += \
	lib/core/arena.c \
	lib/core/assert.c \
	lib/core/buf.c \
	lib/core/coroutine.c \
	lib/core/coroutine.h \
	lib/core/ctx.c \
	lib/core/deadline.c \
	lib/core/deadline.h \
	lib/core/error.c \
	lib/core/id.c \
	lib/core/log.c \
	lib/core/log.h \
	lib/core/metric.c \
	lib/core/metrics.h \
	lib/core/number.c \
	lib/core/number.h \
	lib/core/offload.c \
	lib/core/runtime.c \
	lib/core/runtime.h \
	lib/core/scheduler.h \
	lib/core/shared.c \
	lib/core/shared.h \
	lib/core/switch.c \
	lib/core/switch.h \
	lib/core/task.c \
	lib/core/time.c \
	lib/core/value.c
