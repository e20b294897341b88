// ReDoc over this application's own document; no request leaves this origin.
window.Redoc.init("/openapi.json", { disableSearch: false, hideDownloadButton: false },
	document.getElementById("viewer"));
