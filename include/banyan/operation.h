/*
 * Operations: typed functions from an input model to an output model.
 *
 *	static by_error *publish_experiment(by_ctx *ctx, const publish_in *in, experiment *out);
 *	BY_OPERATION(publish_experiment, publish_in, experiment);
 */
#ifndef BANYAN_OPERATION_H
#define BANYAN_OPERATION_H

#include <banyan/ctx.h>
#include <banyan/model.h>

BY_BEGIN

typedef struct by_operation by_operation;

struct by_operation {
	const char     *name;
	const by_model *in;  /* NULL: takes nothing */
	const by_model *out; /* NULL: answers nothing (204), or writes its answer itself */
	by_error     *(*call)(const by_operation *operation, by_ctx *ctx, const void *in, void *out);
	by_place        place;
};

/* The function's types are checked against both models' structs. */
#define BY_OPERATION(fn, In, Out) \
	static by_error *fn##_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out) \
	{ \
		const In *typed_in = in; \
		Out *typed_out = out; \
		(void)operation; \
		return fn(ctx, typed_in, typed_out); \
	} \
	static const by_operation fn##_op = { #fn, &In##_model, &Out##_model, fn##_call, BY_HERE_INIT }

/* by_error *fn(by_ctx *, Out *): takes nothing. */
#define BY_OPERATION_OUT(fn, Out) \
	static by_error *fn##_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out) \
	{ \
		Out *typed_out = out; \
		(void)operation; \
		(void)in; \
		return fn(ctx, typed_out); \
	} \
	static const by_operation fn##_op = { #fn, NULL, &Out##_model, fn##_call, BY_HERE_INIT }

/* by_error *fn(by_ctx *, const In *): answers nothing, or writes its answer itself. */
#define BY_OPERATION_IN(fn, In) \
	static by_error *fn##_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out) \
	{ \
		const In *typed_in = in; \
		(void)operation; \
		(void)out; \
		return fn(ctx, typed_in); \
	} \
	static const by_operation fn##_op = { #fn, &In##_model, NULL, fn##_call, BY_HERE_INIT }

BY_END

#endif
