/* The named formats: what each accepts and what it refuses. */
#include <string.h>

#include <banyan/model.h>

#include "tests/unit/unit.h"

static void accepts(const by_format_rule *rule, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		ck_assert_msg(rule->accept((by_text){ *texts, strlen(*texts) }), "%s refuses %s", rule->name, *texts);
}

static void refuses(const by_format_rule *rule, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		ck_assert_msg(!rule->accept((by_text){ *texts, strlen(*texts) }), "%s accepts %s", rule->name, *texts);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

START_TEST(email_is_what_browsers_accept)
{
	accepts(&by_format_email, LIST("a@b", "first.last+tag@example.org", "x_!#$%&'*+/=?^`{|}~-@a-b.c", "1@2.3"));
	refuses(&by_format_email, LIST("", "@", "a", "a@", "@b", "a b@c", "a@b..c", "a@-b", "a@b-", "a@@b", "\"a\"@b", "a@b c",
	    L63 "aa@b", "\xc3\xa9@b", "a@\xc3\xa9"));
}
END_TEST

START_TEST(uri_is_absolute_and_well_formed)
{
	accepts(&by_format_uri, LIST("http://example.org", "https://u:p@h:8080/a/b?c=d&e#f", "mailto:a@b", "urn:isbn:123",
	    "http://[::1]:80/", "http://1.2.3.4/", "file:///etc", "s3://bucket/key%20x", "a+b-c.d:x", "http://h?q/?#f/?"));
	refuses(&by_format_uri, LIST("", "example.org", "/path", "//h/p", "1a:x", ":x", "http:", "http://h/a b", "http://h/%2", "http://h/%zz",
	    "http://[::g]/", "http://h/\xc3\xa9", "http://h/<x>", "http://h/#a#b", "http://h\\x"));
}
END_TEST

START_TEST(hostname_has_labels_of_letters_digits_and_inner_hyphens)
{
	accepts(&by_format_hostname, LIST("localhost", "a.b.c", "3com.com", "x-y.z", L63 ".org"));
	refuses(&by_format_hostname, LIST("", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", L63 "a", "a b",
	    L63 "." L63 "." L63 "." L63));
}
END_TEST

START_TEST(addresses_are_complete)
{
	accepts(&by_format_ipv4, LIST("0.0.0.0", "255.255.255.255", "192.168.1.1"));
	refuses(&by_format_ipv4, LIST("", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "01.2.3.4", "::1", "a.b.c.d"));
	accepts(&by_format_ipv6, LIST("::", "::1", "2001:db8::1", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8"));
	refuses(&by_format_ipv6, LIST("", ":", "1::2::3", "12345::", "1:2:3:4:5:6:7", "1.2.3.4", "::g", "[::1]", "fe80::1%eth0"));
	ck_assert(!by_format_ipv4.accept((by_text){ "1.2.3.4\0", 8 }));
}
END_TEST

START_TEST(slug_is_lower_case_with_single_inner_hyphens)
{
	accepts(&by_format_slug, LIST("a", "abc-def", "2026-11-20", "x9"));
	refuses(&by_format_slug, LIST("", "-", "a-", "-a", "a--b", "A", "a_b", "a b", "\xc3\xa9"));
}
END_TEST

UNIT("format", email_is_what_browsers_accept, uri_is_absolute_and_well_formed,
    hostname_has_labels_of_letters_digits_and_inner_hyphens, addresses_are_complete,
    slug_is_lower_case_with_single_inner_hyphens);
