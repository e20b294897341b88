/* The repository of experiments. */
#ifndef LAB_CRUD_EXPERIMENTS_H
#define LAB_CRUD_EXPERIMENTS_H

#include <banyan/store.h>

#include "routes/models/experiment.h"

BY_REPOSITORY(experiments, experiment);

#endif
