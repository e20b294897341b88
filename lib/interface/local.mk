libbanyan_all_la_SOURCES += \
	lib/interface/crud.c \
	lib/interface/crud.h \
	lib/interface/endpoint.h \
	lib/interface/exchange.h \
	lib/interface/paging.c \
	lib/interface/paging.h \
	lib/interface/server.h
