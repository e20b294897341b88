/* Rules written for another struct. expect: incompatible-pointer-types */
#include "common.h"

static void check(by_faults *faults, const other *object)
{
	(void)faults;
	(void)object;
}
BY_RULES(leaf, check);
void (*const rules)(by_faults *, const void *) = check_rules;
