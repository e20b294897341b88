libbanyan_all_la_SOURCES += \
	lib/interface/crud.h \
	lib/interface/endpoint.h \
	lib/interface/exchange.h \
	lib/interface/server.h
