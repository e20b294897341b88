/* Who may connect to a listener: users of a unix socket, addresses of a TCP one. */
#ifndef BY_FCGI_PEER_H
#define BY_FCGI_PEER_H

#include <banyan/error.h>

typedef struct by__peers by__peers;

/*
 * Reads the entries of LISTEN_ALLOW. For a unix socket user names and numbers;
 * for TCP addresses and networks ("10.0.0.0/8", "::1"). NULL in `peers` when
 * there is none. CONFIGURATION names the first entry that is neither.
 */
BY_MUST_CHECK by_error *by__peers_parse(by_arena *arena, bool tcp, const char *const *entries, size_t count,
    const by__peers **peers);

/* Whether the other end of the connection is among them. */
bool by__peer_allowed(const by__peers *peers, int fd);

/* The other end as text, for the log. */
enum { BY__PEER_TEXT = 64 };
void by__peer_print(int fd, char out[BY__PEER_TEXT]);

#endif
