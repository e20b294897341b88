/* Numbers of the FastCGI protocol, version 1 (the FastCGI specification of 1996, sections 3.3, 5 and 8). */
#ifndef BY_FCGI_PROTOCOL_H
#define BY_FCGI_PROTOCOL_H

enum {
	BY__FCGI_VERSION = 1,
	BY__FCGI_HEADER = 8,   /* bytes of a record's header: version, type, id (2), length (2), padding, reserved */
	BY__FCGI_LISTEN = 0,   /* the descriptor a web server passes its listening socket on */
	BY__FCGI_RESPONDER = 1,
	BY__FCGI_KEEP = 1      /* flag of BEGIN_REQUEST: the web server keeps the connection */
};

enum {
	BY__FCGI_BEGIN = 1,
	BY__FCGI_ABORT = 2,
	BY__FCGI_END = 3,
	BY__FCGI_PARAMS = 4,
	BY__FCGI_STDIN = 5,
	BY__FCGI_STDOUT = 6,
	BY__FCGI_GET_VALUES = 9,
	BY__FCGI_GET_VALUES_RESULT = 10,
	BY__FCGI_UNKNOWN_TYPE = 11
};

#endif
