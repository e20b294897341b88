# What a site includes in its web server's configuration, or copies to where its service manager looks.
nginxdir = $(pkgdatadir)/nginx
dist_nginx_DATA = \
	deploy/nginx/banyan-app.conf \
	deploy/nginx/banyan-docs.conf \
	deploy/nginx/banyan-fastcgi.conf \
	deploy/nginx/banyan-mount.conf \
	deploy/nginx/banyan-problems.conf \
	deploy/nginx/banyan-tls.conf \
	deploy/nginx/banyan-upstream.conf \
	deploy/nginx/banyan.conf

apachedir = $(pkgdatadir)/apache
dist_apache_DATA = \
	deploy/apache/banyan-app.conf \
	deploy/apache/banyan-cgi.conf \
	deploy/apache/banyan-fcgid.conf \
	deploy/apache/banyan-problems.conf \
	deploy/apache/banyan-proxy.conf \
	deploy/apache/banyan-request.conf \
	deploy/apache/banyan-sethandler.conf \
	deploy/apache/banyan-settings.conf \
	deploy/apache/banyan-tls.conf \
	deploy/apache/banyan.conf

lighttpddir = $(pkgdatadir)/lighttpd
dist_lighttpd_DATA = \
	deploy/lighttpd/banyan-app.conf \
	deploy/lighttpd/banyan-cgi.conf \
	deploy/lighttpd/banyan-fastcgi.conf \
	deploy/lighttpd/banyan-settings.conf \
	deploy/lighttpd/banyan-spawn.conf \
	deploy/lighttpd/banyan-tls.conf \
	deploy/lighttpd/banyan.conf
lighttpdproblemsdir = $(pkgdatadir)/lighttpd/problems
dist_lighttpdproblems_DATA = \
	deploy/lighttpd/problems/400.html \
	deploy/lighttpd/problems/403.html \
	deploy/lighttpd/problems/404.html \
	deploy/lighttpd/problems/405.html \
	deploy/lighttpd/problems/408.html \
	deploy/lighttpd/problems/411.html \
	deploy/lighttpd/problems/413.html \
	deploy/lighttpd/problems/414.html \
	deploy/lighttpd/problems/417.html \
	deploy/lighttpd/problems/431.html \
	deploy/lighttpd/problems/500.html \
	deploy/lighttpd/problems/501.html \
	deploy/lighttpd/problems/502.html \
	deploy/lighttpd/problems/503.html \
	deploy/lighttpd/problems/504.html \
	deploy/lighttpd/problems/505.html

systemddir = $(pkgdatadir)/systemd
dist_systemd_DATA = \
	deploy/systemd/lab.service \
	deploy/systemd/lab.socket

sharedhostingdir = $(pkgdatadir)/shared-hosting
dist_sharedhosting_DATA = deploy/shared-hosting/htaccess
dist_sharedhosting_SCRIPTS = deploy/shared-hosting/app.fcgi

# The documentation pages; share/banyan/scripts/docs-assets adds the viewers from npm.
sitedir = $(pkgdatadir)/docs/site
dist_site_DATA = \
	docs/site/.npmrc \
	docs/site/docs.html \
	docs/site/docs.js \
	docs/site/package-lock.json \
	docs/site/package.json \
	docs/site/redoc.html \
	docs/site/redoc.js \
	docs/site/versions.css \
	docs/site/versions.js
sitescriptsdir = $(pkgdatadir)/scripts
dist_sitescripts_SCRIPTS = scripts/docs-assets
