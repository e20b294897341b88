// Swagger UI over this application's own document; no request leaves this origin.
window.SwaggerUIBundle({
	url: "/openapi.json",
	dom_id: "#viewer",
	deepLinking: true,
	docExpansion: "list",
	persistAuthorization: false,
	validatorUrl: null,
	onComplete: () => {
		const title = document.querySelector("#viewer .info .title");
		if (title && title.firstChild) document.title = title.firstChild.textContent.trim();
	},
});
