"""The source tree keeps its layers, and the check that says so finds each kind of breach."""

import os
import shutil
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

CHECK = os.path.join(harness.SOURCE, "scripts", "check-layers")


def check(root, *options):
    return harness.run([CHECK, "--root", root, *options], timeout=110)


@harness.fixture
def copy():
    """A copy of the tree without its history and builds."""
    root = os.path.join(harness.directory("tree"), "tree")
    leave = shutil.ignore_patterns(".git", "node_modules", "autom4te.cache", "__pycache__", "*.o", "*.lo")

    def leave_builds(folder, names):
        builds = [name for name in names if name.startswith("build")] if folder == harness.SOURCE else []
        return leave(folder, names) | set(builds)

    shutil.copytree(harness.SOURCE, root, ignore=leave_builds, symlinks=True)
    for folder, _, files in os.walk(root):  # an unpacked tarball may be read-only
        for path in (folder, *(os.path.join(folder, file) for file in files)):
            os.chmod(path, os.stat(path).st_mode | 0o200, follow_symlinks=True)
    done = check(root, "--no-compile")
    assert done.returncode == 0, f"the copy itself is faulty: {done.stdout}{done.stderr}"
    return root


def planted(path, text, *expected, options=("--no-compile",)):
    """Writes a file into the copy, checks that the fault is named, and takes it back."""
    whole = os.path.join(copy(), path)
    before = harness.read(whole) if os.path.exists(whole) else None
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    harness.write(whole, text)
    try:
        done = check(copy(), *options)
    finally:
        if before is None:
            os.unlink(whole)
        else:
            harness.write(whole, before)
    assert done.returncode == 1, f"not found: {done.stdout}{done.stderr}"
    for words in expected:
        assert words in done.stdout, f"{words!r} is not in {done.stdout}"


def test_tree():
    """The tree keeps its layers, and every header compiles alone in C and, when public, in C++"""
    done = check(harness.SOURCE, "--build", harness.BUILD)
    assert done.returncode == 0, done.stdout + done.stderr


def test_domain_includes_interface():
    """An interface header included in lib/domain is named with file, line and rule"""
    planted("lib/domain/planted.c", "\n#include <banyan/http.h>\n", "lib/domain/planted.c:2:", "domain may include")


def test_application_includes_infrastructure():
    """An infrastructure header included in lib/application is found"""
    planted("lib/application/planted.c", "#include <banyan/migration.h>\n", "lib/application/planted.c:1:",
            "application may include")


def test_framework_includes_lab():
    """A header of the lab included by the framework is found"""
    os.makedirs(os.path.join(copy(), "routes", "schemas"), exist_ok=True)
    target = harness.write(os.path.join(copy(), "routes", "schemas", "planted_target.h"), "")
    planted("lib/interface/planted.c", '#include "routes/schemas/planted_target.h"\n', "knows nothing of an application")
    os.unlink(target)


def lab_breach(folder, target_folder, expected):
    target = os.path.join(copy(), "routes", target_folder, "planted_target.h")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    harness.write(target, "")
    try:
        planted(f"routes/{folder}/planted.c", f'\n\n#include "routes/{target_folder}/planted_target.h"\n',
                f"routes/{folder}/planted.c:3:", expected)
    finally:
        os.unlink(target)


def test_version_includes_crud():
    """routes/v1 may not include routes/crud"""
    lab_breach("v1", "crud", "routes/v1 may include")


def test_version_includes_models():
    """routes/v2 may not include routes/models"""
    lab_breach("v2", "models", "routes/v2 may include")


def test_models_include_services():
    """routes/models may include other models only"""
    lab_breach("models", "services", "routes/models may include")


def test_schemas_include_models():
    """routes/schemas may not include routes/models"""
    lab_breach("schemas", "models", "routes/schemas may include")


def test_lab_uses_internal_header():
    """The lab may not include an internal header of the framework"""
    planted("routes/services/planted.c", '#include "core/runtime.h"\n', "public headers (include/banyan) only")


def test_source_outside_layers():
    """A source in a folder that the tables do not name is found"""
    planted("lib/elsewhere/planted.c", "int planted;\n", "lib/elsewhere/planted.c:1:", "lies in no folder")
    planted("routes/elsewhere/planted.c", "int planted;\n", "routes/elsewhere/planted.c:1:", "lies in no folder")


def test_service_speaks_sql():
    """SQL, libpq and database calls in routes/services are found"""
    planted("routes/services/planted.c", '#include <libpq-fe.h>\nconst char *s = "SELECT 1 FROM experiments";\n',
            "planted.c:1:", "planted.c:2:", "SQL stands in routes/crud only")
    planted("routes/services/planted.c", "void f(void) { by_database_query(0, 0, 0, 0, 0, 0); }\n",
            "services reach data through routes/crud only")


def test_environment_read():
    """getenv outside routes/core is found, but not in a comment"""
    planted("routes/v1/planted.c", '/* getenv("A") */\nchar *f(void) { return getenv("A"); }\n', "planted.c:2:",
            "only routes/core reads the environment")


def test_handler_knows_the_loop():
    """A loop, thread or signal call in routes is found"""
    for call in ("uv_timer_start(0, 0, 0, 0)", "pthread_create(0, 0, 0, 0)", "signal(2, 0)"):
        planted("routes/v1/planted.c", f"void f(void) {{ {call}; }}\n", "routes/v1/planted.c:1:",
                "handlers use no loop, thread or signal call")


def test_circle():
    """Two headers that include each other are found"""
    other = os.path.join(copy(), "lib", "core", "planted_b.h")
    harness.write(other, '#include "core/planted_a.h"\n')
    try:
        planted("lib/core/planted_a.h", '#include "core/planted_b.h"\n', "circle of includes")
    finally:
        os.unlink(other)


def test_header_that_needs_another():
    """A header that does not compile alone is found"""
    planted("include/banyan/planted.h", "#ifndef P\n#define P\nsize_t planted(uint32_t);\n#endif\n",
            "include/banyan/planted.h:1:", "does not compile alone", options=("--build", harness.BUILD))


def test_kore():
    """Kore in the sources is found"""
    planted("lib/core/planted.c", "#include <kore/kore.h>\n", "uses nothing of it")


def test_unlisted_script():
    """A script that scripts/README.md does not list is found"""
    planted("scripts/planted", "#!/bin/sh\n", "does not list scripts/planted")


def test_script_in_library():
    """A script under lib/ is found"""
    planted("lib/planted.sh", "#!/bin/sh\n", "scripts live in scripts/ only")


def test_undeclared_top_level():
    """A tracked top-level entry that nothing declares is found"""
    harness.need("git")
    root = copy()
    harness.run(["git", "-C", root, "init", "-q"], check=True)
    harness.write(os.path.join(root, "planted.txt"), "")
    harness.run(["git", "-C", root, "add", "-f", "planted.txt"], check=True)
    done = check(root, "--no-compile")
    os.unlink(os.path.join(root, "planted.txt"))
    shutil.rmtree(os.path.join(root, ".git"))
    assert done.returncode == 1 and "planted.txt:1:" in done.stdout, done.stdout


harness.main()
