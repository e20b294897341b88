/* Small forms as request bodies: rewritten as the JSON they stand for, so that everything about a model holds for them too. */
#ifndef BY_INTERFACE_FORM_H
#define BY_INTERFACE_FORM_H

#include <banyan/route.h>

/* How a body of this Content-Type is read by rows that take forms; BY_JSON_ONLY: it is no form. */
by_accepts by__form_of(by_text content_type);

/*
 * The form as a JSON object for the model. A field's value becomes what its
 * kind reads; a list takes every value of its name, and values of names that
 * the model does not know stay, for the reader to refuse. What is given twice
 * becomes a fault. MALFORMED for what is no such form. In the arena.
 */
BY_MUST_CHECK by_error *by__form_json(by_ctx *ctx, const by_model *model, by_accepts form, by_text body, by_faults *faults,
    by_text *json);

/* Why a form cannot hold the model, or NULL. */
const char *by__form_mistake(by_arena *arena, const by_model *model);

#endif
