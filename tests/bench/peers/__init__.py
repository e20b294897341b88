"""
The lab's peers: programs of our own, each as its users would write it, tuned as far as the comments in it say.

All run behind the nginx that the lab runs behind, over unix sockets with kept connections, on the same table of the
same PostgreSQL. Each single-threaded one has one process, as the lab has one worker.
"""

import os
import shutil

from support import harness

HERE = os.path.dirname(os.path.abspath(__file__))
ALL = ("bare", "textbook", "fastapi", "express", "php")
KEEP = 64
PARAMS = "".join(f"fastcgi_param {name} {value}; " for name, value in {
    "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "nginx", "SERVER_PROTOCOL": "$server_protocol",
    "SERVER_NAME": "$server_name", "SERVER_ADDR": "$server_addr", "SERVER_PORT": "$server_port",
    "REMOTE_ADDR": "$remote_addr", "REMOTE_PORT": "$remote_port", "REQUEST_METHOD": "$request_method",
    "REQUEST_URI": "$request_uri", "REQUEST_SCHEME": "$scheme", "SCRIPT_NAME": "$fastcgi_script_name",
    "QUERY_STRING": "$query_string", "CONTENT_TYPE": "$content_type", "CONTENT_LENGTH": "$content_length",
    "REQUEST_START": "$msec"}.items())
NGINX = PARAMS + """
keepalive_requests 1000000;
fastcgi_keep_conn on; fastcgi_buffer_size 16k; fastcgi_buffers 16 16k;
proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffer_size 16k; proxy_buffers 16 16k;
"""


def experiment(number):
    """What is inserted; row for row the same in every contender's table."""
    return {"name": f"Mitosis in HeLa H2B-GFP, time lapse {number}", "description": "Chromosome segregation under drug",
            "specimen": "HeLa Kyoto, H2B-GFP", "instrument": "Nikon Ti2-E spinning disk",
            "objective_magnification": 60, "numerical_aperture": 1.4, "pixel_size_um": 0.108, "exposure_ms": 80,
            "fps": 0.2, "frame_count": 1440 + number, "tags": ["mitosis", "time-lapse"],
            "started_at": "2026-03-14T08:30:00Z", "finished_at": "2026-03-14T10:30:00Z"}


class FastCGI:
    def __init__(self, socket_path, cases=("json", "row", "page", "insert"), script=None):
        self.socket_path, self.cases, self.script = socket_path, cases, script

    def nginx(self, name, port):
        # A location with one parameter of its own inherits none, so they are repeated beside it.
        # A kept connection would hold one of PHP's few processes while others wait; without it is faster there.
        own = f"{PARAMS} fastcgi_param SCRIPT_FILENAME {self.script}; fastcgi_keep_conn off;" if self.script else ""
        keep = "" if self.script else f"keepalive {KEEP}; keepalive_requests 1000000;"
        return (f"upstream {name} {{ server unix:{self.socket_path}; {keep} }}\n"
                f"server {{ listen 127.0.0.1:{port}; location / {{ {own} fastcgi_pass {name}; }} }}")


class HTTP:
    def __init__(self, socket_path, cases=("json", "row", "page", "insert")):
        self.socket_path, self.cases = socket_path, cases

    def nginx(self, name, port):
        return (f"upstream {name} {{ server unix:{self.socket_path}; keepalive {KEEP}; keepalive_requests 1000000; }}\n"
                f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://{name}; }} }}")


def start(postgres, names):
    """Starts the peers of these names; {name: contender}, in their order."""
    directory = harness.directory("peers")
    starters = {"bare": start_libfcgi, "textbook": start_libfcgi, "fastapi": start_fastapi, "express": start_express,
                "php": start_php}
    found = {}
    for name in names:
        socket_path = os.path.join(directory, f"{name}.sock")
        found[name] = starters[name](name, socket_path, directory, postgres)
        harness.wait_until(lambda path=socket_path: os.path.exists(path), f"{name} listens", 30)
        os.chmod(socket_path, 0o777)
    return found


def start_libfcgi(name, socket_path, directory, _):
    program = os.path.join(directory, name)
    harness.run(["cc", "-O2", "-o", program, os.path.join(HERE, f"{name}.c"), "-lfcgi", "-lpthread"], check=True)
    harness.Process([program, socket_path], os.path.join(directory, f"{name}.log"))
    return FastCGI(socket_path, cases=("json",))


def start_fastapi(name, socket_path, directory, postgres):
    """One uvicorn process on uvloop and httptools, without an access log."""
    harness.Process(
        ["/usr/bin/python3", "-m", "uvicorn", "--app-dir", os.path.join(HERE, "fastapi"), "--uds", socket_path,
         "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", "app:app"],
        os.path.join(directory, "fastapi.log"), env=environment(postgres))
    return HTTP(socket_path)


def start_express(name, socket_path, directory, postgres):
    """One node process in production mode; modules by the lock file."""
    home = os.path.join(directory, "express")
    shutil.copytree(os.path.join(HERE, "express"), home, ignore=shutil.ignore_patterns("node_modules"))
    harness.run(["npm", "ci", "--silent", "--no-progress"], cwd=home, env=dict(os.environ), check=True, timeout=180)
    harness.Process(["node", os.path.join(home, "server.js"), socket_path], os.path.join(directory, "express.log"),
                    env=environment(postgres, NODE_ENV="production"))
    return HTTP(socket_path)


def start_php(name, socket_path, directory, postgres, children=8):
    """PHP-FPM with a static pool, opcache on and not looking at files, persistent connections."""
    script = shutil.copy(os.path.join(HERE, "php", "index.php"), directory)
    user = "user = root\ngroup = root\n" if os.geteuid() == 0 else ""
    configuration = harness.write(os.path.join(directory, f"{name}-fpm.conf"), f"""
[global]
error_log = {directory}/{name}.log
daemonize = no
[peer]
{user}listen = {socket_path}
pm = static
pm.max_children = {children}
pm.max_requests = 0
clear_env = no
catch_workers_output = yes
php_admin_flag[log_errors] = on
""")
    program = harness.program_path("php-fpm8.2") or harness.program_path("php-fpm")
    root = ["--allow-to-run-as-root"] if os.geteuid() == 0 else []
    harness.Process([program, "-d", "opcache.enable=1", "-d", "opcache.validate_timestamps=0", "-y",
                     configuration, "-F", *root], os.path.join(directory, f"{name}.log"),
                    env=environment(postgres))
    harness.wait_until(lambda: os.path.exists(socket_path), f"{name} listens", 30)
    os.chmod(socket_path, 0o777)
    return FastCGI(socket_path, script=script)


def environment(postgres, **more):
    return {**harness.base_environment(), "PGHOST": postgres.directory, "PGUSER": "postgres", "PGDATABASE": "bench",
            "HOME": "/nonexistent", **more}


def versions(postgres, names):
    """Of what these peers, and all, are made of."""
    def first(*command):
        done = harness.run(command)
        return (done.stdout or done.stderr).strip().splitlines()[0]
    packages = ("import fastapi, pydantic, uvicorn, uvloop, httptools, asyncpg; print(*(f'{m.__name__} "
                "{getattr(m, \"__version__\", None) or m.VERSION}' for m in (fastapi, pydantic, uvicorn, uvloop, "
                "httptools, asyncpg)), sep=', ')")
    found = {"nginx": first(harness.program_path("nginx"), "-v"), "postgresql": first(f"{postgres.bin}/postgres", "-V"),
             "compiler": first("cc", "--version"), "wrk": first("wrk", "-v").split("[")[0].strip(),
             "php": first(harness.program_path("php-fpm8.2") or "php-fpm", "-v")}
    if "bare" in names:
        found["libfcgi"] = "libfcgi " + first("dpkg-query", "-W", "-f", "${Version}", "libfcgi-dev")
    if "fastapi" in names:
        found |= {"python": first("/usr/bin/python3", "-V"), "fastapi": first("/usr/bin/python3", "-c", packages)}
    if "express" in names:
        found |= {"node": "node " + first("node", "-v"),
                  "express": ", ".join(f"{name} {version}" for name, version in _dependencies().items())}
    return found


def _dependencies():
    import json
    return json.loads(harness.read(os.path.join(HERE, "express", "package.json")))["dependencies"]
