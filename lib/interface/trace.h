/* W3C Trace Context, level 1: the identity of a request across services. */
#ifndef BY_INTERFACE_TRACE_H
#define BY_INTERFACE_TRACE_H

#include <banyan/ctx.h>

enum {
	BY__TRACEPARENT = 55, /* characters of version 00 */
	BY__TRACE_ID = 32     /* hexadecimal digits */
};

/*
 * Continues the caller's trace with a new span of ours. A traceparent that is
 * malformed, or of an all-zero id, starts a new trace, and its tracestate is
 * dropped (sections 3.2 and 3.3); a malformed tracestate alone is dropped.
 */
void by__trace_begin(by_arena *arena, by_text traceparent, by_text tracestate, by_trace *trace);
/* "00-<trace>-<our span>-<flags>", without a NUL. */
void by__trace_print(const by_trace *trace, char out[BY__TRACEPARENT]);
/* The trace id in lower-case hexadecimal, without a NUL. */
void by__trace_id_print(const by_trace *trace, char out[BY__TRACE_ID]);

#endif
