libbanyan_all_la_SOURCES += \
	lib/domain/entity.c
