/* Passes connections to other workers of the pool. Nothing was taken out of them, so that whoever has them next reads all. */
#include "fcgi/worker/connection.h"

bool by__handover(by__connection *c)
{
	if (!by__channel_give(&c->gate->options.channel, c->fd))
		return false;
	by__connection_forget(c);
	return true;
}

void by__handover_all(by__gate *gate)
{
	for (by__link *at = gate->all.next, *next; at != &gate->all; at = next) {
		by__connection *c = BY__LINKED(at, all);

		next = at->next;
		if ((c->phase == BY__CONNECTION_WAITING || c->phase == BY__CONNECTION_QUEUED) && !by__handover(c))
			return;
	}
}
