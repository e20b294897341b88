/* The lab as a whole, for its main() and its tests. */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <banyan/app.h>

extern const by_app lab;

#endif
