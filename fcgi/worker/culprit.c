/* Reads a request's context from signal handlers: no allocation, no lock. */
#include <string.h>

#include "fcgi/worker/culprit.h"
#include "interface/request.h"
#include "interface/trace.h"

enum { PATH_SHOWN = 1024 };

static by_text path_of(const by_request *request)
{
	by_text path = request->path;

	if (path.len > PATH_SHOWN)
		path.len = PATH_SHOWN;
	return path;
}

void by__culprit_put(by__line *line, const by_ctx *ctx)
{
	char trace[BY__TRACE_ID];

	if (!ctx)
		return;
	if (ctx->request) {
		by__line_member_text(line, "method", ctx->request->method_name);
		by__line_member(line, "route", ctx->route);
		by__line_member_text(line, "path", path_of(ctx->request));
	}
	by__line_member(line, "request_id", ctx->request_id);
	by__trace_id_print(&ctx->trace, trace);
	by__line_member_text(line, "trace_id", (by_text){ trace, sizeof(trace) });
}

static void keep(char *into, size_t size, by_text text)
{
	size_t len = text.len < size ? text.len : size - 1;

	if (len > 0)
		memcpy(into, text.ptr, len);
	into[len] = 0;
}

static by_text text_of(const char *string)
{
	return (by_text){ string, string ? strlen(string) : 0 };
}

void by__culprit_keep(by__slot *slot, const by_ctx *ctx)
{
	by_text none = { NULL, 0 };

	keep(slot->method, sizeof(slot->method), ctx && ctx->request ? ctx->request->method_name : none);
	keep(slot->route, sizeof(slot->route), ctx ? text_of(ctx->route) : none);
	keep(slot->request_id, sizeof(slot->request_id), ctx ? text_of(ctx->request_id) : none);
}
