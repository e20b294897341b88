// Finds the versions of the API, offers them as links, and tells which one ?version= asks for: else the newest.
"use strict";
window.banyanVersions = async () => {
	const found = [];
	for (let n = 1; ; n++) {
		const answer = await fetch(`/api/v${n}/openapi.json`, { method: "HEAD" });
		if (!answer.ok) break;
		found.push(`v${n}`);
	}
	const asked = new URLSearchParams(location.search).get("version");
	const chosen = found.includes(asked) ? asked : found[found.length - 1];
	const navigation = document.getElementById("versions");
	for (const version of found) {
		const link = document.createElement("a");
		link.href = `${location.pathname}?version=${version}`;
		link.textContent = version;
		if (version === chosen) link.setAttribute("aria-current", "page");
		navigation.append(link);
	}
	document.title += chosen ? ` ${chosen}` : "";
	return { url: chosen ? `/api/${chosen}/openapi.json` : "/openapi.json" };
};
