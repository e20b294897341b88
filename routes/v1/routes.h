/* Version 1 of the lab's interface. */
#ifndef LAB_V1_ROUTES_H
#define LAB_V1_ROUTES_H

#include <banyan/route.h>

BY_DECLARE_ROUTES(experiments_v1);
BY_DECLARE_ROUTES(datasets_v1);
BY_DECLARE_ROUTES(ping_v1);

#endif
