# What a site includes in its web server's configuration.
nginxdir = $(pkgdatadir)/nginx
dist_nginx_DATA = \
	deploy/nginx/banyan.conf \
	deploy/nginx/banyan-app.conf \
	deploy/nginx/banyan-docs.conf \
	deploy/nginx/banyan-tls.conf

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
