libbanyan_all_la_SOURCES += \
	fcgi/connection.c \
	fcgi/connection.h \
	fcgi/crash.c \
	fcgi/crash.h \
	fcgi/directory.c \
	fcgi/directory.h \
	fcgi/exchange.c \
	fcgi/gate.c \
	fcgi/gate.h \
	fcgi/guard.c \
	fcgi/guard.h \
	fcgi/launch.c \
	fcgi/launch.h \
	fcgi/library.c \
	fcgi/library.h \
	fcgi/listener.c \
	fcgi/listener.h \
	fcgi/peer.c \
	fcgi/peer.h \
	fcgi/protocol.h \
	fcgi/settings.c \
	fcgi/settings.h
