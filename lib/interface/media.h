/* Content-Type (RFC 9110 section 8.3): the type, and its parameters one by one. */
#ifndef BY_INTERFACE_MEDIA_H
#define BY_INTERFACE_MEDIA_H

#include <banyan/base.h>

/* Takes the type off, without the white space around it; what is left are its parameters. */
by_text by__media_type(by_text *rest);
/* Takes the next parameter off, its value without quotes; false: there is none, or none that is well-formed. */
bool by__media_parameter(by_text *rest, by_text *name, by_text *value);

#endif
