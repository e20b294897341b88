"""
nginx, Apache and lighttpd for tests: each with the configuration that users install (deploy/), in a private directory on
a free port, and for the last two as a user without rights. Import harness, which has these names too.
"""

import os
import re
import shutil
import signal
import socket

from . import harness

DEPLOY = os.path.join(harness.SOURCE, "deploy")


def ordinary_user():
    """Whom servers run as that refuse root, or should not be it; None: whoever runs the tests."""
    return "www-data" if os.geteuid() == 0 else None


def own(path):
    """Gives a directory or a file to that user, and gives back its path."""
    if ordinary_user():
        shutil.chown(path, ordinary_user(), ordinary_user())
    return path


class WebServer:
    """What the three have in common: a directory, a log, a free port, and a process that listens on it."""

    name = ""
    stop_signal = signal.SIGTERM
    user = None

    def launch(self):
        """Configures and starts; another port when somebody took this one meanwhile."""
        self.directory = harness.directory(self.name)
        self.log = os.path.join(self.directory, f"{self.name}.log")
        harness.write(self.log, "")
        if self.user:
            own(self.directory)
            own(self.log)
        for _ in range(5):
            self.port = harness.free_port()
            self.configure()
            self.process = harness.Process(self.arguments(), self.log, user=self.user, env=self.environment(),
                                           cwd=self.directory)
            if self._listens():
                return
            self.process.kill()
        raise AssertionError(f"{self.name} does not start: {harness.read(self.log)}")

    def _listens(self):
        def ready():
            if not self.process.running:
                return "ended"
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return "ready"
        return harness.wait_until(ready, f"{self.name} listens") == "ready"

    def environment(self):
        return None

    def client(self, **more):
        return harness.Client(self.port, **more)

    def stop(self):
        return self.process.stop(number=self.stop_signal)


# ---- nginx ----------------------------------------------------------------

class Nginx(WebServer):
    """
    nginx with deploy/nginx, its few marked lines set to private ones. `status` is the application's status socket, when
    it has one. `listen` holds options of the listening socket; `extra` other http-level text, or a function of the port
    that gives it. `site` None: deploy/nginx is there, and `extra` includes of it what it wants.
    """

    name = "nginx"
    stop_signal = signal.SIGQUIT

    def __init__(self, socket_path=None, docs=None, site="banyan.conf", marks=None, extra="", workers=1, listen="",
                 status=None):
        harness.need("nginx")
        self.socket_path, self.docs, self.site, self.marks = socket_path, docs, site, marks or {}
        self.extra, self.workers, self.listen, self.status = extra, workers, listen, status or socket_path
        self.launch()

    def arguments(self):
        return [harness.program_path("nginx"), "-e", self.log, "-p", self.directory, "-c",
                os.path.join(self.directory, "nginx.conf")]

    def configure(self):
        user = "user root;" if os.geteuid() == 0 else ""
        marks = {"listen": f"listen 127.0.0.1:{self.port} {self.listen}", "socket": f"server unix:{self.socket_path}",
                 "status": f"server unix:{self.status}", "docs": f"root {self.docs}", **self.marks}
        for name in os.listdir(os.path.join(DEPLOY, "nginx")):
            source = harness.read(os.path.join(DEPLOY, "nginx", name))
            source = source.replace("include /etc/nginx/banyan/", f"include {self.directory}/")
            harness.write(os.path.join(self.directory, name), set_marks(source, marks))
        included = f"include {self.directory}/{self.site};" if self.site else ""
        extra = self.extra(self.port) if callable(self.extra) else self.extra
        harness.write(os.path.join(self.directory, "nginx.conf"), f"""
daemon off;
{user}
worker_processes {self.workers};
pid {self.directory}/nginx.pid;
error_log {self.log} warn;
events {{ worker_connections 16384; }}
worker_rlimit_nofile 40000;
http {{
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	access_log off;
	client_body_temp_path {self.directory}/body;
	proxy_temp_path {self.directory}/proxy;
	fastcgi_temp_path {self.directory}/fastcgi;
	uwsgi_temp_path {self.directory}/uwsgi;
	scgi_temp_path {self.directory}/scgi;
	{included}
	{extra}
}}
""")


def set_marks(text, marks):
    """Replaces the directive on each line that ends with `# mark: name`; an unknown mark keeps its line."""
    def replace(match):
        return f"{match[1]}{marks[match[3]]};" if match[3] in marks else match[0]
    return re.sub(r"(?m)^([ \t]*)(\S.*;)[ \t]*# mark: (\w+)$", replace, text)


# ---- Apache ---------------------------------------------------------------

class Apache(WebServer):
    """
    Apache with deploy/apache as it is, told its paths by the defines of banyan-settings.conf. `way` is proxy, sethandler,
    fcgid or cgi; `site` None: only `extra` is configured, a text in which {port} stands for the port. `without` names modules
    that are not loaded.
    """

    name = "apache"
    MODULES = ("mpm_event authz_core authz_host unixd mime dir alias env headers filter deflate brotli expires setenvif "
               "rewrite proxy proxy_fcgi cgid fcgid ssl socache_shmcb http2 unique_id userdir actions").split()

    def __init__(self, way="proxy", socket_path=None, docs=None, site="banyan.conf", program=None, base="/", status=None,
                 defines=None, extra="", without=()):
        harness.need("apache2")
        self.user = ordinary_user()
        self.folder = next((path for path in ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules")
                            if os.path.isdir(path)), None) or harness.skip("Apache's modules are not to be found")
        if way == "fcgid" and not os.path.exists(f"{self.folder}/mod_fcgid.so"):
            harness.skip("Apache's mod_fcgid is not installed")
        self.site, self.extra = site, extra
        self.modules = [name for name in self.MODULES if name not in without]
        self.defines = {"WAY": way, "SOCKET": socket_path, "STATUS": status or socket_path, "PROGRAM": program, "BASE": base,
                        "DOCS": docs or harness.directory("docs"), "CONF": os.path.join(DEPLOY, "apache"),
                        "NAME": "localhost", **(defines or {})}
        self.launch()

    def arguments(self):
        return [harness.program_path("apache2"), "-d", self.directory, "-f", f"{self.directory}/httpd.conf", "-DFOREGROUND"]

    def environment(self):
        return harness.base_environment()

    def configure(self):
        modules = "\n".join(f"LoadModule {name}_module {self.folder}/mod_{name}.so" for name in self.modules
                            if os.path.exists(f"{self.folder}/mod_{name}.so"))
        defines = {**self.defines, "LISTEN": f"127.0.0.1:{self.port}"}
        set_defines = "\n".join(f'Define BANYAN_{name} "{value}"' for name, value in defines.items() if value is not None)
        listens = {self.port} | {int(value.rpartition(":")[2]) for name, value in self.defines.items()
                                 if name == "LISTEN_TLS"}
        included = f"Include ${{BANYAN_CONF}}/{self.site}" if self.site else ""
        harness.write(f"{self.directory}/httpd.conf", f"""
{modules}
{chr(10).join(f"Listen 127.0.0.1:{port}" for port in listens)}
ServerName localhost
ServerTokens Prod
PidFile {self.directory}/apache.pid
DefaultRuntimeDir {self.directory}
Mutex file:{self.directory} default
ErrorLog {self.log}
LogLevel warn
<IfModule mod_fcgid.c>
	FcgidIPCDir {self.directory}/fcgid
	FcgidProcessTableFile {self.directory}/fcgid_shm
</IfModule>
<IfModule mod_cgid.c>
	ScriptSock {self.directory}/cgid.sock
</IfModule>
TypesConfig {mime_types()}
ServerLimit 4
ThreadsPerChild 25
MaxRequestWorkers 100
StartServers 1
<Directory "/">
	Require all denied
	AllowOverride None
</Directory>
{set_defines}
{included}
{self.extra.replace("{port}", str(self.port))}
""")


def mime_types():
    return next(path for path in ("/etc/mime.types", "/etc/apache2/mime.types", "/etc/httpd/mime.types", os.devnull)
                if os.path.exists(path))


# ---- lighttpd -------------------------------------------------------------

class Lighttpd(WebServer):
    """
    lighttpd with a copy of deploy/lighttpd whose banyan-settings.conf holds private paths. `way` is fastcgi, spawn or cgi;
    `socket_path` may be host:port.
    """

    name = "lighttpd"
    stop_signal = signal.SIGINT

    def __init__(self, way="fastcgi", socket_path=None, docs=None, site="banyan.conf", program=None, status=None,
                 settings=None, base="/"):
        harness.need("lighttpd")
        self.user = ordinary_user()
        host, port = socket_path.rsplit(":", 1) if socket_path and not socket_path.startswith("/") else (socket_path, "0")
        self.site = site
        self.settings = {"way": way, "host": host, "port": int(port), "status_host": status or host,
                         "status_port": 0 if status else int(port), "program": program,
                         "docs": docs or harness.directory("docs"), "base": base,
                         "problems": os.path.join(DEPLOY, "lighttpd", "problems", ""), **(settings or {})}
        self.launch()

    def arguments(self):
        return [harness.program_path("lighttpd"), "-D", "-f", f"{self.directory}/lighttpd.conf"]

    def configure(self):
        folder, copy = os.path.join(DEPLOY, "lighttpd"), os.path.join(self.directory, "banyan")
        os.makedirs(copy, exist_ok=True)
        for name in os.listdir(folder):
            if name.endswith(".conf"):
                shutil.copy(os.path.join(folder, name), copy)
        text = harness.read(f"{copy}/banyan-settings.conf")
        for name, value in self.settings.items():
            if value is None:
                continue
            shown = value if isinstance(value, int) else f'"{value}"'
            text, count = re.subn(rf"(?m)^var\.banyan_{name} *=.*$", f"var.banyan_{name} = {shown}", text)
            assert count == 1, f"banyan-settings.conf has no banyan_{name}"
        harness.write(f"{copy}/banyan-settings.conf", text)
        # What Debian's lighttpd.conf says, with private paths.
        harness.write(f"{self.directory}/lighttpd.conf", f"""
server.modules = ("mod_indexfile", "mod_access", "mod_alias", "mod_redirect")
server.document-root = "{self.directory}"
server.upload-dirs = ("{self.directory}")
server.errorlog = "{self.log}"
server.pid-file = "{self.directory}/lighttpd.pid"
server.bind = "127.0.0.1"
server.port = {self.port}
server.feature-flags += ("server.h2proto" => "enable")
server.feature-flags += ("server.h2c" => "enable")
server.feature-flags += ("server.graceful-shutdown-timeout" => 5)
server.http-parseopts = (
	"header-strict" => "enable", "host-strict" => "enable", "host-normalize" => "enable",
	"url-normalize-unreserved" => "enable", "url-normalize-required" => "enable", "url-ctrls-reject" => "enable",
	"url-path-2f-decode" => "enable", "url-path-dotseg-remove" => "enable",
)
index-file.names = ("index.php", "index.html")
url.access-deny = ("~", ".inc")
static-file.exclude-extensions = (".php", ".pl", ".fcgi")
mimetype.assign = (".html" => "text/html", ".txt" => "text/plain", ".js" => "text/javascript", "" => "application/octet-stream")
include "banyan/{self.site}"
server.modules += ("mod_dirlisting", "mod_staticfile")
""")
