"use strict";
// Adds a button to copy each snippet, where the browser lets a page do so.
for (const snippet of navigator.clipboard ? document.querySelectorAll("pre.snippet") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(snippet.textContent);
    button.textContent = "Copied";
  });
  snippet.after(button);
}
