/* Contexts: inheritance, deadlines, roles, typed values. */
#include <banyan/ctx.h>

#include "core/runtime.h"
#include "unit/unit.h"

typedef struct plan {
	int seats;
} plan;
BY_CTX_KEY(tenant_plan, plan);
BY_CTX_KEY(other_plan, plan);

static by_arena *arena;

static void set_up(void)
{
	arena = by_arena_new(0);
}

static void tear_down(void)
{
	by_arena_free(&arena);
}

START_TEST(a_child_inherits_everything)
{
	set_up();
	by_ctx *parent = by_ctx_new(arena);
	by_principal principal = { .subject = "ada" };
	parent->request_id = "r1";
	parent->principal = &principal;
	parent->route = "/experiments";
	parent->trace.flags = 1;
	by_ctx_limit(parent, BY_SECONDS(60));
	by_ctx *child = by_ctx_child(parent);

	ck_assert_ptr_eq(child->parent, parent);
	ck_assert_ptr_eq(child->arena, arena);
	ck_assert_str_eq(child->request_id, "r1");
	ck_assert_ptr_eq(child->principal, &principal);
	ck_assert_str_eq(child->route, "/experiments");
	ck_assert_int_eq(child->trace.flags, 1);
	ck_assert_uint_eq(child->deadline, parent->deadline);
	ck_assert(!child->cancelled);
	tear_down();
}
END_TEST

START_TEST(limit_shortens_and_never_lengthens)
{
	set_up();
	by_ctx *ctx = by_ctx_new(arena);

	ck_assert_uint_eq(ctx->deadline, 0);
	by_ctx_limit(ctx, BY_SECONDS(60));
	uint64_t minute = ctx->deadline;
	ck_assert_uint_gt(minute, by_clock());
	by_ctx_limit(ctx, BY_SECONDS(600));
	ck_assert_uint_eq(ctx->deadline, minute);
	by_ctx_limit(ctx, BY_SECONDS(1));
	ck_assert_uint_lt(ctx->deadline, minute);
	by_ctx_limit(ctx, (by_duration){ INT64_MAX });
	ck_assert_uint_lt(ctx->deadline, minute);
	ck_ok(by_ctx_check(ctx));
	by_ctx_limit(ctx, (by_duration){ INT64_MIN });
	ck_fails(by_ctx_check(ctx), DEADLINE_EXCEEDED);
	tear_down();
}
END_TEST

START_TEST(a_childs_deadline_is_never_later_than_its_parents)
{
	set_up();
	by_ctx *parent = by_ctx_new(arena), *child = by_ctx_child(parent), *grandchild = by_ctx_child(child);

	by_ctx_limit(child, BY_SECONDS(600));
	by_ctx_limit(grandchild, BY_SECONDS(1));
	uint64_t second = grandchild->deadline;
	by_ctx_limit(parent, BY_SECONDS(60));
	ck_assert_uint_eq(child->deadline, parent->deadline);
	ck_assert_uint_eq(grandchild->deadline, second);
	ck_assert_uint_eq(by_ctx_child(parent)->deadline, parent->deadline);
	tear_down();
}
END_TEST

START_TEST(cancelling_marks_all_below_and_nothing_beside)
{
	set_up();
	by_ctx *root = by_ctx_new(arena), *left = by_ctx_child(root), *right = by_ctx_child(root);
	by_ctx *leaf = by_ctx_child(left), *twin = by_ctx_child(left);

	by__ctx_cancel(left);
	ck_fails(by_ctx_check(left), CANCELLED);
	ck_fails(by_ctx_check(leaf), CANCELLED);
	ck_fails(by_ctx_check(twin), CANCELLED);
	ck_fails(by_ctx_check(by_ctx_child(leaf)), CANCELLED);
	ck_ok(by_ctx_check(root));
	ck_ok(by_ctx_check(right));
	tear_down();
}
END_TEST

START_TEST(roles_are_compared_whole)
{
	set_up();
	static const char *const roles[] = { "editor", "viewer" };
	by_principal principal = { .subject = "ada", .roles = roles, .role_count = 2 };
	by_ctx *ctx = by_ctx_new(arena);

	ck_assert(!by_ctx_has_role(ctx, "editor"));
	ctx->principal = &principal;
	ck_assert(by_ctx_has_role(ctx, "editor"));
	ck_assert(by_ctx_has_role(ctx, "viewer"));
	ck_assert(!by_ctx_has_role(ctx, "edit"));
	ck_assert(!by_ctx_has_role(ctx, "editors"));
	tear_down();
}
END_TEST

START_TEST(typed_values_are_seen_by_children_and_hidden_by_newer_ones)
{
	set_up();
	static const plan small = { 5 }, large = { 50 };
	by_ctx *parent = by_ctx_new(arena);

	ck_assert_ptr_null(tenant_plan_get(parent));
	tenant_plan_put(parent, &small);
	by_ctx *child = by_ctx_child(parent);
	ck_assert_int_eq(tenant_plan_get(child)->seats, 5);
	ck_assert_ptr_null(other_plan_get(child));
	tenant_plan_put(child, &large);
	other_plan_put(child, &small);
	ck_assert_int_eq(tenant_plan_get(child)->seats, 50);
	ck_assert_int_eq(other_plan_get(child)->seats, 5);
	ck_assert_int_eq(tenant_plan_get(parent)->seats, 5);
	ck_assert_ptr_null(other_plan_get(parent));
	tear_down();
}
END_TEST

START_TEST(outside_a_coroutine_no_context_is_current)
{
	ck_assert_ptr_null(by_ctx_current());
}
END_TEST

UNIT("ctx", a_child_inherits_everything, limit_shortens_and_never_lengthens,
    a_childs_deadline_is_never_later_than_its_parents, cancelling_marks_all_below_and_nothing_beside,
    roles_are_compared_whole, typed_values_are_seen_by_children_and_hidden_by_newer_ones,
    outside_a_coroutine_no_context_is_current);
