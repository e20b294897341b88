/* The metrics that the framework itself keeps, and what the shared memory needs of the registry. Internal to lib/core. */
#ifndef BY_CORE_METRICS_H
#define BY_CORE_METRICS_H

#include <banyan/metric.h>

/* Reserves the standard series; the first call does. */
void by__metrics_standard(void);
/* Of this process: how late its loop is, its coroutines, and all log lines it has lost. */
void by__metrics_beat(double lag, uint32_t alive, uint64_t lost);

/* Cells reserved so far. */
uint32_t by__metrics_cells(void);
/* Of every series with the place of its cells: equal in processes whose cells mean the same. */
uint64_t by__metrics_layout(void);
/* Sets the gauges among the cells of this process's slot to zero: a worker that took over a slot has none of their things. */
void by__metrics_restart(void);

#endif
