/* Faults that are still to be completed. Internal. */
#ifndef BY_CORE_FAULT_H
#define BY_CORE_FAULT_H

#include <banyan/error.h>

/* As by_faults_at, to be changed. */
by_fault *by__faults_kept(by_faults *faults, size_t index);

#endif
