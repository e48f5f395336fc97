"use strict";
// Light or dark, before anything is drawn.
const root = document.documentElement;
if (localStorage.theme) root.dataset.theme = localStorage.theme;
if (navigator.clipboard) root.dataset.copies = "";

// Make an element what the server says it is. What stays is kept: focus, selection and what is unfolded, too.
const morph = (now, next) => {
  if (now.nodeName !== next.nodeName || now.id !== next.id) return now.replaceWith(next);
  if (now.nodeType !== Node.ELEMENT_NODE) return now.data === next.data || (now.data = next.data);
  for (const { name } of [...now.attributes]) if (name !== "open" && !next.hasAttribute(name)) now.removeAttribute(name);
  for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  const wanted = [...next.childNodes], ids = new Set(wanted.map((child) => child.id).filter(Boolean));
  for (const child of [...now.childNodes]) if (child.id && !ids.has(child.id)) child.remove();
  wanted.forEach((child, i) => {
    const here = now.childNodes[i], moved = child.id && [...now.children].find((old) => old.id === child.id);
    if (moved && moved !== here) now.insertBefore(moved, here);
    if (moved || (here && !child.id && !here.id)) morph(now.childNodes[i], child);
    else now.insertBefore(child, here ?? null);
  });
  while (now.childNodes.length > wanted.length) now.lastChild.remove();
};

const follow = (url, told) => {
  let source, heard = Date.now();
  const tell = (state, words) => { if (told.dataset.state !== state) { told.dataset.state = state; told.textContent = words; } };
  const open = () => {
    source = new EventSource(url);
    source.onmessage = ({ data }) => {
      heard = Date.now();
      for (const [id, html] of Object.entries(JSON.parse(data))) {
        const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(id);
        if (document.getElementById(id) && fresh) morph(document.getElementById(id), fresh);
      }
      tell("live", "live");
    };
    source.onerror = async () => { // a browser gives up when it is told no: then the login may have expired
      if (source.readyState !== EventSource.CLOSED) return;
      const answer = await fetch(location, { redirect: "manual" }).catch(() => null);
      if (answer?.type === "opaqueredirect") location.reload(); else setTimeout(open, 3000);
    };
  };
  setInterval(() => {
    if (Date.now() - heard > 5000) tell("lost", `not live since ${new Date(heard).toISOString().slice(11, 19)}`);
  }, 1000);
  document.addEventListener("visibilitychange", () => { source.close(); if (!document.hidden) open(); });
  open();
};

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("theme").onclick = () => {
    const dark = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    root.dataset.theme = localStorage.theme = dark ? "light" : "dark";
  };
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-copy]");
    if (button) { await navigator.clipboard.writeText(button.dataset.copy); button.setAttribute("aria-label", "Copied"); }
  });
  const { live } = document.body.dataset, login = document.getElementById("login");
  if (live) follow(live, document.getElementById("liveness"));
  const enter = () => { // by a link with a token, which stays neither in the address bar nor in the history
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    history.replaceState(null, "", location.pathname + location.search);
    if (token) { login.elements.token.value = token; login.submit(); }
    return token;
  };
  if (login) addEventListener("hashchange", enter);
  if (login && !enter() && !document.querySelector("[role=alert]")) { // who follows a link from elsewhere brings no cookie
    fetch(login.dataset.next, { redirect: "manual" }).then((answer) => answer.ok && location.replace(login.dataset.next)).catch(() => null);
  }
});
