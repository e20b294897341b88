#!/bin/sh
# Started by the web server, as FastCGI or as CGI; the binary beside it finds out which. This file must be executable
# (chmod 755). The settings of the site stand here.
cd "$(dirname "$0")" || exit 1

# Where data lies: outside of what the web server shows, here beside its folder. Made with `mkdir -m 700`.
: "${DATA_DIR:=$(cd .. && pwd)/lab-data}"
# Nothing is made up: the database and the key for tokens are named here.
: "${APP_ENV:=prod}"
: "${DATABASE_URL:=sqlite:$DATA_DIR/lab.db}"
: "${JWT_ALGORITHM:=HS256}"
: "${JWT_KEY_FILE:=$DATA_DIR/jwt.key}"
export DATA_DIR APP_ENV DATABASE_URL JWT_ALGORITHM JWT_KEY_FILE

# The path of this folder's address, without a slash at its end; not set: the root of the site.
#export BASE_PATH=/~anna

# Libraries that the host does not have, copied along with the binary.
[ ! -d lib ] || export LD_LIBRARY_PATH="$PWD/lib"

# The application's log is a file beside its data.
exec ./lab "$@" 2>>"$DATA_DIR/lab.log"
