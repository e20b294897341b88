/* Version 2 of the lab's interface. */
#ifndef LAB_V2_ROUTES_H
#define LAB_V2_ROUTES_H

#include <banyan/route.h>

BY_DECLARE_ROUTES(experiments_v2);
BY_DECLARE_ROUTES(datasets_v2);

#endif
