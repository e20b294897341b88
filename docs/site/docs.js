// Swagger UI over this application's own documents; no request leaves this origin.
window.banyanVersions().then(({ url }) => window.SwaggerUIBundle({
	url,
	dom_id: "#viewer",
	deepLinking: true,
	docExpansion: "list",
	validatorUrl: null,
}));
