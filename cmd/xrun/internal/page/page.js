
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((th, column) => {
    const number = row => {
      const text = row.cells[column].textContent.replace("−", "-");
      if (text.startsWith("<")) return 0;
      if (text.startsWith("×")) return 100 * (parseFloat(text.slice(1)) - 1); // beside percents
      return parseFloat(text);
    };
    const sort = () => {
      const down = th.getAttribute("aria-sort") === "ascending";
      for (const other of th.parentNode.cells) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => {
        const x = number(a), y = number(b);
        if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1;
        const order = isNaN(x) ? a.cells[column].textContent.localeCompare(b.cells[column].textContent) : x - y;
        return down ? -order : order;
      });
      body.append(...rows);
    };
    th.tabIndex = 0;
    th.addEventListener("click", sort);
    th.addEventListener("keydown", e => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); sort(); } });
  });
}
