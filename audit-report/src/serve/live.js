// Keeps the page up to date: the server says when something was committed, then the page is fetched again and its
// content exchanged. Without this file everything works, only not by itself.
(() => {
  "use strict";
  const light = document.getElementById("live");
  const content = () => document.getElementById("main");
  if (!light || !window.EventSource || !content()) return;

  let wanted = content().dataset.mark;
  let busy = false;
  let timer = 0;

  const say = (state, words) => {
    light.className = "live " + state;
    if (light.textContent !== words) light.textContent = words;
  };

  // Whoever fills in a form, or selects a text, must not lose it.
  const occupied = () => {
    const selected = String(window.getSelection() || "");
    const typed = [...content().querySelectorAll("form[method=post] input, form[method=post] textarea")]
      .some((field) => field.type !== "hidden" && field.value !== field.defaultValue);
    const active = document.activeElement;
    return typed || selected !== "" || Boolean(active && active.closest("main form"));
  };

  // Where the focus was, so that it can go back there.
  const place = (element) => {
    if (!element || !content().contains(element)) return null;
    if (element.id) return "#" + CSS.escape(element.id);
    if (element.tagName === "SUMMARY") return "#" + CSS.escape(element.parentElement.id) + " > summary";
    const address = element.getAttribute("href");
    return address ? `main a[href="${CSS.escape(address)}"]` : null;
  };

  const refresh = async () => {
    if (busy || document.hidden || wanted === content().dataset.mark) return;
    if (occupied()) {
      say("off", "there is something new: reload to see it");
      return;
    }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = fresh.getElementById("main");
      if (!next) throw new Error("no content");
      const focus = place(document.activeElement);
      for (const details of content().querySelectorAll("details[open]")) {
        const same = details.id && next.querySelector("#" + CSS.escape(details.id));
        if (same) same.open = true;
      }
      content().replaceWith(document.adoptNode(next));
      const when = document.querySelector(".head .when");
      const then = fresh.querySelector(".head .when");
      if (when && then) when.replaceWith(document.adoptNode(then));
      document.title = fresh.title;
      const focused = focus && document.querySelector(focus);
      if (focused) focused.focus({ preventScroll: true });
      say("on", "live");
    } catch {
      say("off", "no answer, trying again");
      clearTimeout(timer);
      timer = setTimeout(() => { busy = false; refresh(); }, 2000);
      return;
    }
    busy = false;
    // What was committed meanwhile is fetched at once, but not more often than twice a second.
    clearTimeout(timer);
    timer = setTimeout(refresh, 500);
  };

  // A browser keeps few connections to one server, so only pages that are looked at hold one.
  let source = null;
  const listen = () => {
    if (document.hidden) {
      if (source) source.close();
      source = null;
      return;
    }
    if (source) return;
    source = new EventSource("/events");
    source.addEventListener("mark", (event) => {
      wanted = event.data;
      say("on", "live");
      refresh();
    });
    source.addEventListener("lost", () => say("off", "no connection to the database, trying again"));
    source.addEventListener("error", () => say("off", "connection lost, trying again"));
  };
  document.addEventListener("visibilitychange", listen);
  listen();
})();
