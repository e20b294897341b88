/*
 * The handler of fatal signals. It runs on a stack of its own, because the
 * fault may be that the coroutine's is full, and calls nothing that allocates
 * or locks.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <banyan/ctx.h>
#include <banyan/http.h>
#include <banyan/time.h>

#include "core/log.h"
#include "core/runtime.h"
#include "fcgi/crash.h"

enum { STACK = 64 * 1024, FRAMES = 48, LINE = 8192 };

static struct {
	by__slot *slot;
	int       log_fd;
	char      line[LINE];
	size_t    len;
	char      stack[STACK];
} crash;

static const struct {
	int         number;
	const char *name;
} fatal[] = {
	{ SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" }, { SIGABRT, "SIGABRT" },
};

static void put(const char *text)
{
	size_t len = strlen(text);
	/* Two bytes stay for the closing brace and the line's end. */
	size_t room = LINE - 4 - crash.len;

	if (len > room)
		len = room;
	memcpy(crash.line + crash.len, text, len);
	crash.len += len;
}

/* Text in a JSON string; what would have to be escaped becomes a question mark. */
static void put_safe(const char *text)
{
	for (; text && *text; text++) {
		char c[2] = { (unsigned char)*text < 0x20 || *text == '"' || *text == '\\' ? '?' : *text, 0 };

		put(c);
	}
}

static void put_member(const char *name, const char *text)
{
	put(",\"");
	put(name);
	put("\":\"");
	put_safe(text);
	put("\"");
}

static void put_number(uint64_t value, unsigned base)
{
	char digits[32];
	size_t at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	put(digits + at);
}

static void put_frame(void *address)
{
	Dl_info info;

	if (dladdr(address, &info) != 0 && info.dli_fname) {
		const char *slash = strrchr(info.dli_fname, '/');
		const void *base = info.dli_sname ? info.dli_saddr : info.dli_fbase;

		put_safe(slash ? slash + 1 : info.dli_fname);
		put("(");
		put_safe(info.dli_sname ? info.dli_sname : "");
		put("+0x");
		put_number((uint64_t)((uintptr_t)address - (uintptr_t)base), 16);
		put(")");
		return;
	}
	put("0x");
	put_number((uint64_t)(uintptr_t)address, 16);
}

static void put_stack(void)
{
	void *frames[FRAMES];
	int count = backtrace(frames, FRAMES);

	put(",\"stack\":[");
	for (int i = 0; i < count; i++) {
		put(i > 0 ? ",\"" : "\"");
		put_frame(frames[i]);
		put("\"");
	}
	put("]");
}

static void keep(char *into, size_t size, const char *text)
{
	size_t len = text ? strnlen(text, size - 1) : 0;

	if (len > 0)
		memcpy(into, text, len);
	into[len] = 0;
}

static void put_request(const by_ctx *ctx)
{
	by__slot *slot = crash.slot;

	if (ctx) {
		keep(slot->method, sizeof(slot->method), ctx->request ? by_method_name(by_request_method(ctx)) : "");
		keep(slot->route, sizeof(slot->route), ctx->route);
		keep(slot->request_id, sizeof(slot->request_id), ctx->request_id);
	} else {
		slot->method[0] = slot->route[0] = slot->request_id[0] = 0;
	}
	put_member("method", slot->method);
	put_member("route", slot->route);
	put_member("request_id", slot->request_id);
}

static const char *name_of(int number)
{
	for (size_t i = 0; i < BY_COUNT(fatal); i++)
		if (fatal[i].number == number)
			return fatal[i].name;
	return "a signal";
}

static void on_fatal(int number, siginfo_t *info, void *machine)
{
	char time[BY_TIME_TEXT];
	bool fault = number == SIGSEGV || number == SIGBUS;

	(void)machine;
	(void)by_time_print(by_time_now(), time);
	crash.len = 0;
	put("{\"timestamp\":\"");
	put(time);
	put("\",\"level\":\"error\",\"logger\":\"fcgi\",\"message\":\"worker crashed\",\"pid\":");
	put_number((uint64_t)getpid(), 10);
	put_member("signal", name_of(number));
	if (fault && by__coroutine_is_guard(info->si_addr))
		put_member("reason", "the stack of the request's coroutine overflowed");
	put_request(by_ctx_current());
	put_stack();
	memcpy(crash.line + crash.len, "}\n", 2);
	by__log_rescue();
	ssize_t written = write(crash.log_fd, crash.line, crash.len + 2);

	(void)written;
	/* SA_RESETHAND has restored the default action: this time it kills. */
	(void)raise(number);
}

void by__crash_install(by__slot *slot, int log_fd)
{
	const stack_t stack = { .ss_sp = crash.stack, .ss_size = STACK };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER };
	void *warm[1];

	crash.slot = slot;
	crash.log_fd = log_fd;
	/* The first backtrace loads a library, which allocates: do it now. */
	(void)backtrace(warm, 1);
	(void)sigaltstack(&stack, NULL);
	(void)sigemptyset(&action.sa_mask);
	action.sa_sigaction = on_fatal;
	for (size_t i = 0; i < BY_COUNT(fatal); i++)
		(void)sigaction(fatal[i].number, &action, NULL);
}
