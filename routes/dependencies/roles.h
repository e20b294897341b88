/* The roles that route rows name. */
#ifndef LAB_DEPENDENCIES_ROLES_H
#define LAB_DEPENDENCIES_ROLES_H

#include "routes/core/roles.h"

#endif
