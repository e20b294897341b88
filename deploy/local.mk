# What a site includes in its web server's configuration.
nginxdir = $(pkgdatadir)/nginx
dist_nginx_DATA = \
	deploy/nginx/banyan.conf \
	deploy/nginx/banyan-app.conf \
	deploy/nginx/banyan-docs.conf \
	deploy/nginx/banyan-tls.conf
