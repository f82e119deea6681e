// A click copies a command.
for (const button of document.querySelectorAll("button.cmd")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.cmd);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1200);
  });
}
