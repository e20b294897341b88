"""No secret is in the tree, and the check that says so finds each kind of secret."""

import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

CHECK = os.path.join(harness.SOURCE, "scripts", "check-secrets")
RANDOM = "q7Zr2Lw9Xv4Tk1Bn8Md5"
# Put together here, so that this file holds none of them.
PLANTED = (
    ("a private key", "-----BEGIN " + "PRIVATE KEY-----"),
    ("a private key", "-----BEGIN EC " + "PRIVATE KEY-----"),
    ("a private key", "-----BEGIN OPENSSH " + "PRIVATE KEY-----"),
    ("an AWS access key", "key: AKIA" + "QWERTYUIOPASDFGH"),
    ("a GitHub token", "ghp_" + RANDOM * 2),
    ("a GitLab token", "glpat-" + RANDOM),
    ("a Slack token", "xoxb-" + RANDOM),
    ("a Stripe key", "sk_live_" + RANDOM),
    ("a Google key", "AIza" + (RANDOM * 2)[:35]),
    ("a signed token", "eyJ" + RANDOM + ".eyJ" + RANDOM + "." + RANDOM),
    ("a password in a URL", "DATABASE_URL=postgresql://lab:" + RANDOM + "@db.internal/lab"),
    ("a password in a URL", 'url = "redis://:' + RANDOM + '@cache:6379/0"'),
    ("a secret in quotes", 'static const char *jwt_key = "' + RANDOM + '";'),
    ("a secret in quotes", "{'password': '" + RANDOM + "'}"),
    ("a secret in quotes", 'setenv("JWT_KEY", "' + RANDOM + '", 1);'),
    ("a secret of the environment", "JWT_KEY=" + RANDOM),
    ("a secret of the environment", "# export AWS_SECRET_ACCESS_KEY=" + RANDOM),
    ("a secret of the environment", "Environment=DB_PASSWORD=" + RANDOM),
)
HARMLESS = (
    "JWT_KEY=$KEY", "JWT_KEY=<your key>", "jwt_key: {{ key }}", "password = read_password(file)",
    'password = os.environ["PASSWORD"]', "postgresql://lab@db/lab", "postgresql://user:password@host/name",
    "https://example.com/a:b@c", "JWT_KEY_FILE=/etc/lab/jwt.key", 'by_secret key; /* "password", "token" */',
    "JWT_KEY=change-me-" + RANDOM, "aws_access_key = AKIA" + "IOSFODNN7EXAMPL",
)


def scan(text):
    root = harness.directory("planted")
    harness.write(os.path.join(root, "planted.txt"), "first line\n" + text + "\n")
    done = harness.run([CHECK, "--root", root, "planted.txt"])
    return done.returncode, done.stdout + done.stderr


def test_tree():
    """No file of the tree holds a key, a token or a password, and every exception is still needed"""
    done = harness.run([CHECK, "--root", harness.SOURCE], timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def test_planted():
    """Each kind of secret is found with file and line, and is not repeated"""
    for what, text in PLANTED:
        code, output = scan(text)
        assert code == 1 and f"planted.txt:2: {what}" in output, (text, code, output)
        assert RANDOM not in output, output


def test_harmless():
    """Variables, placeholders and names of files are no secrets"""
    for text in HARMLESS:
        code, output = scan(text)
        assert code == 0 and not output, (text, output)


def test_new_file_of_the_tree():
    """A key in a file of its own, anywhere in a tree that git tracks, is found"""
    harness.need("git", "openssl")
    root = harness.directory("repository")
    harness.run(["git", "init", "-q", root], check=True)
    os.mkdir(os.path.join(root, "deploy"))
    key = os.path.join(root, "deploy", "server.key")
    harness.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    done = harness.run([CHECK, "--root", root])
    assert done.returncode == 1 and "deploy/server.key:1: a private key" in done.stdout, done.stdout + done.stderr


harness.main()
