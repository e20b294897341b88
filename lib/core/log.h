/* What the process that owns the log asks of it. Internal. */
#ifndef BY_CORE_LOG_H
#define BY_CORE_LOG_H

#include <banyan/log.h>

/* Lines of this process that could not be written and found no room to wait. */
uint64_t by__log_lost(void);

#endif
