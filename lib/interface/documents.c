/* /metrics, and the OpenAPI documents with their entity tags: made when first asked for, then kept. */
#include <string.h>

#include <banyan/http.h>
#include <banyan/metric.h>

#include "core/text.h"
#include "interface/builtin.h"
#include "interface/etag.h"
#include "interface/request.h"

static by_error *metrics_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	by_buf *body = by__response_body(ctx);

	(void)operation;
	(void)in;
	(void)out;
	by_metrics_print(body);
	BY_TRY(by_buf_finish(body));
	by_respond_header(ctx, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	by_respond_header(ctx, "Cache-Control", "no-store");
	return BY_OK;
}

static by_error *make_document(by__builtin *builtin)
{
	by_arena *arena = by__server_arena(builtin->server);
	by_buf    out;

	by_buf_init(&out, arena, 64 * 1024);
	by__server_openapi(builtin->server, builtin->version ? builtin->version->name : NULL, &out);
	BY_TRY(by_buf_finish(&out));
	builtin->etag = by_format(arena, "\"%016llx\"", (unsigned long long)by__hash(BY__HASH_START, out.data, out.len));
	builtin->text = out.data;
	builtin->text_len = out.len;
	return BY_OK;
}

static by_error *openapi_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	by__builtin *builtin = (by__builtin *)(uintptr_t)operation;

	(void)in;
	(void)out;
	if (builtin->text == NULL)
		BY_TRY(make_document(builtin));
	by__response_document(ctx, "application/json", (by_text){ builtin->text, builtin->text_len });
	by_respond_header(ctx, "ETag", builtin->etag);
	return BY_OK;
}

static void document(by_arena *arena, by__server *server, const by_version *version, by__endpoint *endpoint)
{
	by__builtin *builtin = BY_NEW(arena, by__builtin);

	builtin->operation = (by_operation){ "openapi", NULL, NULL, openapi_call, BY_HERE_INIT };
	builtin->server = server;
	builtin->version = version;
	*endpoint = (by__endpoint){
		.method = BY_GET, .name = "openapi", .operation = &builtin->operation, .access = BY_PUBLIC, .status = 200,
		.path = version ? by_format(arena, "%s/openapi.json", version->prefix) : "/openapi.json",
		.summary = version ? by_format(arena, "The OpenAPI document of %s", version->name)
		                   : "The OpenAPI document of the newest version"
	};
}

size_t by__document_endpoints(by_arena *arena, by__server *server, by__endpoint *endpoints)
{
	static const by_operation metrics = { "metrics", NULL, NULL, metrics_call, BY_HERE_INIT };
	const by_app             *app = by__server_app(server);

	endpoints[0] = (by__endpoint){
		.method = BY_GET, .path = "/metrics", .name = "metrics", .operation = &metrics, .access = BY_PUBLIC,
		.summary = "Metrics of all workers, in Prometheus' text format", .status = 200
	};
	document(arena, server, NULL, &endpoints[1]);
	for (size_t i = 0; i < app->version_count; i++)
		document(arena, server, &app->versions[i], &endpoints[2 + i]);
	return 2 + app->version_count;
}
