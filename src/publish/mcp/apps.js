"use strict";
// Shows pages of sparklake's dashboard inside of a client of the Model Context Protocol. The client is the
// parent window; requests and answers are JSON-RPC. Pages are read through the client, never from a network.
const main = document.getElementById("app");
const waiting = new Map();
const visited = [];
let sent = 0;
let canRead = false;

function send(message) {
  parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
}

function request(method, params) {
  sent += 1;
  send({ id: sent, method, params });
  return new Promise((resolve, reject) => waiting.set(sent, { resolve, reject }));
}

function say(text) {
  const paragraph = document.createElement("p");
  paragraph.className = "note";
  paragraph.textContent = text;
  main.replaceChildren(paragraph);
}

function useTheme(context) {
  if (context && (context.theme === "light" || context.theme === "dark")) {
    document.documentElement.dataset.theme = context.theme;
  }
}

async function show(address, isBack) {
  main.setAttribute("aria-busy", "true");
  try {
    const answer = await request("resources/read", { uri: "sparklake://pages" + address });
    const page = answer.contents.find((content) => typeof content.text === "string");
    // The server escapes every text of a page, and the policy of this document allows no script in it.
    main.innerHTML = page.text;
    if (!isBack) visited.push(address);
    if (visited.length > 1) {
      const back = document.createElement("button");
      back.type = "button";
      back.textContent = "← Back";
      back.addEventListener("click", () => {
        visited.pop();
        show(visited[visited.length - 1], true);
      });
      main.prepend(back);
    }
  } catch (error) {
    say("This page cannot be shown: " + error.message);
  }
  main.removeAttribute("aria-busy");
}

function answered(result) {
  const page = result._meta && result._meta["sparklake/page"];
  const texts = (result.content || []).map((part) => part.text || "");
  if (typeof page === "string" && page.startsWith("/") && canRead) {
    show(page, false);
  } else {
    say(texts.join("\n") || "There is nothing to show.");
  }
}

main.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link) return;
  const address = link.getAttribute("href");
  event.preventDefault();
  if (address.startsWith("/")) {
    show(address, false);
  } else if (address.startsWith("#")) {
    const target = document.getElementById(decodeURIComponent(address.slice(1)));
    if (target) target.scrollIntoView();
  }
});

main.addEventListener("submit", (event) => {
  event.preventDefault();
  const query = new URLSearchParams(new FormData(event.target));
  show(event.target.getAttribute("action") + "?" + query, false);
});

addEventListener("message", (event) => {
  const message = event.data;
  if (event.source !== parent || !message || message.jsonrpc !== "2.0") return;
  if (message.method === undefined) {
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (asked && message.error) asked.reject(new Error(message.error.message || "the client refused"));
    else if (asked) asked.resolve(message.result || {});
    return;
  }
  switch (message.method) {
    case "ui/notifications/tool-result":
      answered(message.params || {});
      break;
    case "ui/notifications/tool-cancelled":
      say("The call was canceled.");
      break;
    case "ui/notifications/host-context-changed":
      useTheme(message.params);
      break;
    default:
      // Requests such as ping and ui/resource-teardown need nothing but an answer.
      if (message.id !== undefined) send({ id: message.id, result: {} });
  }
});

new ResizeObserver(() => {
  const { scrollWidth: width, scrollHeight: height } = document.documentElement;
  send({ method: "ui/notifications/size-changed", params: { width, height } });
}).observe(document.body);

request("ui/initialize", {
  protocolVersion: "2026-01-26",
  appInfo: { name: "sparklake", version: "1" },
  appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
}).then((host) => {
  canRead = Boolean(host.hostCapabilities && host.hostCapabilities.serverResources);
  useTheme(host.hostContext);
  send({ method: "ui/notifications/initialized", params: {} });
}, () => {});
