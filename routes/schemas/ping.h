/* The smallest answer there is. */
#ifndef LAB_SCHEMAS_PING_H
#define LAB_SCHEMAS_PING_H

#include <banyan/model.h>

typedef struct pong {
	const char *message;
	const char *service;
	by_time     time;
} pong;
BY_DECLARE_MODEL(pong);

#endif
