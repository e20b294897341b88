# lib/infrastructure
libbanyan_all_la_SOURCES += \
	lib/infrastructure/security/jwt.c \
	lib/infrastructure/security/jwt.h
