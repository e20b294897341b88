libbanyan_all_la_SOURCES += \
	lib/application/mapper.c \
	lib/application/mapper.h \
	lib/application/service.c \
	lib/application/service.h
