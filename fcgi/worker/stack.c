/*
 * Takes and prints stacks. dladdr knows exported functions only; handlers are
 * mostly static, so the executable's own symbol table is mapped beforehand
 * (elf(5)), and read when a stack is printed.
 */
#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fcgi/worker/stack.h"

typedef struct table {
	uintptr_t          base;   /* where the executable is loaded */
	const ElfW(Sym)   *symbols;
	size_t             count;
	const char        *names;
	size_t             names_size;
} table;

static table own;

/* ---- the symbols of the executable ----------------------------------------- */

static bool lies_within(size_t size, uint64_t offset, uint64_t len)
{
	return offset <= size && len <= size - offset;
}

static const ElfW(Shdr) *sections_of(const char *file, size_t size, size_t *count)
{
	const ElfW(Ehdr) *head = (const void *)file;

	if (size < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_shentsize != sizeof(ElfW(Shdr))
	    || !lies_within(size, head->e_shoff, (uint64_t)head->e_shnum * sizeof(ElfW(Shdr))))
		return NULL;
	*count = head->e_shnum;
	return (const void *)(file + head->e_shoff);
}

static void find_symbols(const char *file, size_t size)
{
	size_t count;
	const ElfW(Shdr) *sections = sections_of(file, size, &count);

	for (size_t i = 0; sections && i < count; i++) {
		const ElfW(Shdr) *s = &sections[i];

		if (s->sh_type != SHT_SYMTAB || s->sh_link >= count || !lies_within(size, s->sh_offset, s->sh_size)
		    || !lies_within(size, sections[s->sh_link].sh_offset, sections[s->sh_link].sh_size))
			continue;
		own.names = file + sections[s->sh_link].sh_offset;
		own.names_size = sections[s->sh_link].sh_size;
		own.symbols = (const void *)(file + s->sh_offset);
		own.count = s->sh_size / sizeof(ElfW(Sym));
		return;
	}
}

/* The first object is the executable (dl_iterate_phdr(3)). */
static int take_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1;
}

static void map_symbols(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat about;

	if (fd < 0)
		return;
	void *map = fstat(fd, &about) == 0 && about.st_size > 0
	    ? mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;

	close(fd);
	if (map == MAP_FAILED)
		return;
	(void)dl_iterate_phdr(take_base, &own.base);
	find_symbols(map, (size_t)about.st_size);
	if (own.count == 0)
		munmap(map, (size_t)about.st_size);
}

/* The function of the executable that holds the address, or NULL. */
static const char *own_function(uintptr_t address, uintptr_t *start)
{
	uintptr_t at = address - own.base;

	for (size_t i = 0; i < own.count; i++) {
		const ElfW(Sym) *s = &own.symbols[i];

		if ((s->st_info & 0xf) != STT_FUNC || at < s->st_value || at - s->st_value >= s->st_size
		    || s->st_name >= own.names_size)
			continue;
		*start = own.base + s->st_value;
		return own.names + s->st_name;
	}
	return NULL;
}

/* ---- stacks ------------------------------------------------------------------- */

void by__stack_load(void)
{
	void *warm[1];

	/* The first backtrace loads a library, which allocates. */
	(void)backtrace(warm, 1);
	if (own.count == 0)
		map_symbols();
}

void by__stack_take(by__stack_frames *frames)
{
	frames->count = backtrace(frames->at, BY__STACK_FRAMES);
}

static void put_name(by__line *line, const char *object, const char *function, uintptr_t offset)
{
	const char *slash = strrchr(object, '/');

	object = slash ? slash + 1 : object;
	by__line_safe(line, (by_text){ object, strlen(object) });
	by__line_put(line, "(");
	if (function)
		by__line_safe(line, (by_text){ function, strlen(function) });
	by__line_put(line, "+0x");
	by__line_number(line, offset, 16);
	by__line_put(line, ")");
}

static void put_frame(by__line *line, void *address)
{
	uintptr_t at = (uintptr_t)address;
	uintptr_t start;
	Dl_info info;

	if (dladdr(address, &info) == 0 || !info.dli_fname) {
		by__line_put(line, "0x");
		by__line_number(line, at, 16);
		return;
	}
	/* A return address may stand behind its function, when that does not return. */
	const char *function = own_function(at - 1, &start);

	if (!function) {
		function = info.dli_sname;
		start = (uintptr_t)(info.dli_sname ? info.dli_saddr : info.dli_fbase);
	}
	put_name(line, info.dli_fname, function, at - start);
}

void by__stack_put(by__line *line, const by__stack_frames *frames)
{
	by__line_put(line, "[");
	for (int i = 0; i < frames->count; i++) {
		by__line_put(line, i > 0 ? ",\"" : "\"");
		put_frame(line, frames->at[i]);
		by__line_put(line, "\"");
	}
	by__line_put(line, "]");
}
