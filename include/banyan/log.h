/*
 * The log: one JSON object per line, with the context's ids on every line.
 *
 *	#define BY_LOG_NAME "lab.publish"            // before the include; default "app"
 *	by_info(ctx, "experiment published", BY_F("experiment_id", in->id), BY_F("frames", n));
 *
 * LOG_LEVEL=info,db=debug applies by the longest prefix of the logger's name.
 * A disabled level evaluates no argument. Does not park.
 */
#ifndef BANYAN_LOG_H
#define BANYAN_LOG_H

#include <banyan/ctx.h>
#include <banyan/error.h>
#include <banyan/value.h>

BY_BEGIN

#ifndef BY_LOG_NAME
#define BY_LOG_NAME "app"
#endif

typedef enum by_log_level {
	BY_LOG_DEBUG,
	BY_LOG_INFO,
	BY_LOG_WARNING,
	BY_LOG_ERROR,
	BY_LOG_OFF
} by_log_level;

/* One place that logs; remembers whether it is enabled. */
typedef struct by_log_site { /* private */
	const char  *logger;
	by_log_level level;
	uint32_t     generation;
	bool         enabled;
} by_log_site;

typedef struct by_log_arg {
	const char *name;
	by_value    value;
} by_log_arg;

#define BY_F(name_, value_) ((by_log_arg){ (name_), BY_VALUE_OF(value_) })

BY_API bool by_log_enabled(by_log_site *site);
/* ctx may be NULL: then that of the running coroutine. */
BY_API void by_log_write(const by_log_site *site, const by_ctx *ctx, const char *message, const by_log_arg *args,
    size_t count);

#define BY__LOG(LEVEL, ctx, ...) BY__LOG_(LEVEL, ctx, __VA_ARGS__, (by_log_arg){ 0 })
#define BY__LOG_(LEVEL, ctx, message, ...) \
	do { \
		static by_log_site by_site_ = { BY_LOG_NAME, LEVEL, 0, false }; \
		if (by_log_enabled(&by_site_)) { \
			const by_log_arg by_args_[] = { __VA_ARGS__ }; \
			by_log_write(&by_site_, (ctx), (message), by_args_, BY_COUNT(by_args_) - 1); \
		} \
	} while (0)

#define by_debug(ctx, ...) BY__LOG(BY_LOG_DEBUG, ctx, __VA_ARGS__)
#define by_info(ctx, ...) BY__LOG(BY_LOG_INFO, ctx, __VA_ARGS__)
#define by_warn(ctx, ...) BY__LOG(BY_LOG_WARNING, ctx, __VA_ARGS__)
#define by_err(ctx, ...) BY__LOG(BY_LOG_ERROR, ctx, __VA_ARGS__)

/* Logs an error once, with kind, id, internal text, trace and cause chain; gives it its id, also when not enabled. */
#define by_log_error(ctx, level, message, error) by_log_error_as(BY_LOG_NAME, (ctx), (level), (message), (error))
BY_API void by_log_error_as(const char *logger, const by_ctx *ctx, by_log_level level, const char *message,
    by_error *error);

/* Adds a field to every later line of this context and of children made later. It must live as long as the arena. */
#define by_log_with(ctx, name, value) by_log_with_value((ctx), (name), BY_VALUE_OF(value))
BY_API void by_log_with_value(by_ctx *ctx, const char *name, by_value value);

/* A line already formatted by its writer, LF included (the access log). */
BY_API void by_log_line(const char *line, size_t len);

/*
 * Set-up, by the process and not by handlers. `levels` as in LOG_LEVEL;
 * CONFIGURATION when it does not parse. Lines are gathered and written when
 * 32 KiB are waiting, by by_log_flush, or at once at level warning and above.
 */
BY_API BY_MUST_CHECK by_error *by_log_configure(by_arena *arena, const char *levels, int fd);
BY_API void by_log_flush(void);

BY_END

#endif
