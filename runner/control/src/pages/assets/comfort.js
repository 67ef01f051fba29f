// Comfort only: every page works without this.
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.getTime())) time.title = `${at.toLocaleString()} (${time.title})`;
}
// "/" goes to the search of a page, as in many tools.
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
  const search = document.querySelector("input[type=search]");
  if (event.key === "/" && !typing && search && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
  }
});
// A link to a call opens it.
const reveal = () => {
  const call = location.hash.startsWith("#call-") && document.getElementById(location.hash.slice(1));
  const details = call && call.querySelector("details");
  if (details) details.open = true;
};
addEventListener("hashchange", reveal);
reveal();
