// The theme that was chosen, if one was; else that of the system. Runs before the page is painted.
(() => {
  const KEY = "smsgate.theme";
  const ORDER = ["auto", "light", "dark"];
  const read = () => {
    try {
      const chosen = localStorage.getItem(KEY);
      return ORDER.includes(chosen) ? chosen : "auto";
    } catch {
      return "auto"; // Storage can be forbidden.
    }
  };
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  apply(read());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    let theme = read();
    const show = () => {
      button.textContent = theme[0].toUpperCase() + theme.slice(1);
      button.setAttribute("aria-label", `Theme: ${theme}`);
    };
    show();
    button.addEventListener("click", () => {
      theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // Then it holds until the page is closed.
      }
      apply(theme);
      show();
    });
  });
})();
