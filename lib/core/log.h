/* What the process that owns the log asks of it. Internal. */
#ifndef BY_CORE_LOG_H
#define BY_CORE_LOG_H

#include <banyan/log.h>

/* Lines of this process that could not be written and found no room to wait. */
uint64_t by__log_lost(void);
/* From a crash handler, the last thing before death: writes the whole lines that wait, and takes no lock. */
void by__log_rescue(void);

#endif
