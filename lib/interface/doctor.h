/*
 * What `doctor --url` is told by the application itself: the request as it
 * arrived behind the web server. The endpoint is there only for who can write
 * in RUNTIME_DIR: the command leaves a proof there for a minute, and everybody
 * else is answered as for any address that does not exist.
 */
#ifndef BY_INTERFACE_DOCTOR_H
#define BY_INTERFACE_DOCTOR_H

#include <banyan/model.h>

#define BY__DOCTOR_HEADER "X-Banyan-Doctor"
#define BY__DOCTOR_FILLER "X-Banyan-Doctor-Filler"

enum {
	BY__DOCTOR_SECONDS = 60, /* a proof is good for, since it was last touched */
	BY__DOCTOR_SECRET = 43,  /* characters of a secret, at least */
	BY__DOCTOR_PROOF = 64    /* characters of what the file holds: SHA-256 of the secret in hexadecimal digits */
};

/* The request as it arrived. Values of headers are not told, but for Host. */
typedef struct by__doctor_echo {
	const char    *method;
	const char    *target;
	const char    *script_name;
	const char    *path_info;
	const char    *query;
	const char    *scheme;
	const char    *host;
	const char    *remote;
	const char    *protocol;
	const char    *software;
	bool           authorization;
	bool          *token_accepted;
	bool           httpoxy;
	int64_t       *body_declared;
	int64_t        body_received;
	int64_t        body_max;
	BY_LIST(string) headers;
	const char    *filler;
} by__doctor_echo;
BY_DECLARE_MODEL(by__doctor_echo);

/* The file in RUNTIME_DIR. In the arena. */
const char *by__doctor_path(by_arena *arena, const char *runtime_dir, const char *application);
/* What that file holds of a secret: from the file nobody can tell the secret, so that everybody may read it. */
bool by__doctor_prove(const char *secret, size_t len, char proof[BY__DOCTOR_PROOF + 1]);

#endif
