// ReDoc over this application's own documents; no request leaves this origin.
window.banyanVersions().then(({ url }) => window.Redoc.init(url, {}, document.getElementById("viewer")));
