/* What can be done with datasets. */
#ifndef LAB_SERVICES_DATASETS_H
#define LAB_SERVICES_DATASETS_H

#include <banyan/service.h>

#include "routes/schemas/dataset.h"

BY_DECLARE_SERVICE(datasets_service);

#endif
