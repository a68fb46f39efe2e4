/* What pages do beyond plain HTML. Everything here only improves: each page works without it.
   Loaded with defer; acts on the document, so content that htmx swaps in needs nothing of its own. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("h-js");

  // Colours: show the choice at once, store it in the background.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-themes]") || !event.submitter) return;
    event.preventDefault();
    const theme = event.submitter.value;
    root.dataset.bsTheme = theme;
    for (const button of document.querySelectorAll("[data-themes] button")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
    const data = new FormData(form);
    data.set("theme", theme);
    fetch(form.action, { method: "POST", body: data, redirect: "manual" });
  });

  // Menus that open downwards: one at a time, closed by Escape or a click elsewhere.
  const openDrops = () => document.querySelectorAll("details.h-drop[open]");
  document.addEventListener("click", (event) => {
    for (const drop of openDrops()) if (!drop.contains(event.target)) drop.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const drop of openDrops()) {
      const inside = drop.contains(document.activeElement);
      drop.open = false;
      if (inside) drop.querySelector("summary").focus();
    }
    if (location.hash === "#menu") location.hash = "main";
  });

  // Fields: say what is wrong on leaving one, in the place the server uses too.
  const place = (input) => document.getElementById(`${input.id}_error`);
  const describe = (input, add) => {
    const ids = new Set((input.getAttribute("aria-describedby") || "").split(" ").filter(Boolean));
    ids[add ? "add" : "delete"](`${input.id}_error`);
    if (ids.size) input.setAttribute("aria-describedby", [...ids].join(" "));
    else input.removeAttribute("aria-describedby");
  };
  const show = (input) => {
    const spot = place(input);
    if (!spot) return;
    const wrong = !input.validity.valid;
    spot.hidden = !wrong;
    spot.replaceChildren();
    if (wrong) {
      const line = document.createElement("p");
      line.textContent = input.validationMessage;
      spot.append(line);
    }
    input.classList.toggle("is-invalid", wrong);
    if (wrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    describe(input, wrong);
  };
  const checked = (input) => input.form?.matches("[data-validate]") && input.willValidate && input.id;
  const prepare = () => {
    for (const form of document.querySelectorAll("form[data-validate]")) form.noValidate = true;
  };
  document.addEventListener("focusout", (event) => {
    const input = event.target;
    if (input instanceof HTMLElement && "validity" in input && checked(input) && (input.value || input.dataset.touched)) show(input);
  });
  document.addEventListener("input", (event) => {
    const input = event.target;
    input.dataset.touched = "1";
    if ("validity" in input && input.classList.contains("is-invalid") && checked(input)) show(input);
    if (input.dataset.default !== undefined && input.closest("[data-marks-changes]")) {
      input.closest(".h-field").classList.toggle("h-changed", input.value !== input.dataset.default);
    }
    if (input.dataset.confirmName !== undefined) armConfirm(input);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-validate]") || event.defaultPrevented) return;
    const wrong = [...form.elements].filter((input) => "validity" in input && input.willValidate && !input.validity.valid);
    if (!wrong.length) return;
    event.preventDefault();
    wrong.forEach(show);
    wrong[0].focus();
  });

  // A form is sent once; coming back with the back button frees it again.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    else {
      event.target.dataset.sent = "1";
      setTimeout(() => delete event.target.dataset.sent, 8000);  // an answer that is a download leaves the page as it is
    }
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // Dangerous acts: the button wakes when the name is typed. The server checks again.
  const armConfirm = (input) => {
    const button = input.form?.querySelector("[data-confirm-button]");
    if (button) button.disabled = input.value.trim() !== input.dataset.confirmName;
  };

  // A search box over what is on the page: hides what lacks the words, and groups that are left empty.
  const filterPage = (box) => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of document.querySelectorAll(`${box.dataset.filters} [data-filter-group]`)) {
      let shown = 0;
      for (const item of group.querySelectorAll("[data-filter-words]")) {
        item.hidden = !words.every((word) => item.dataset.filterWords.includes(word)) && !item.querySelector(".h-has-error");
        shown += !item.hidden;
      }
      group.hidden = !shown;
      found += shown;
    }
    const place = document.getElementById(box.getAttribute("aria-describedby"));
    if (place) place.textContent = found ? "" : place.dataset.none;
  };
  document.addEventListener("input", (event) => {
    if (event.target.dataset.filters !== undefined) filterPage(event.target);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.querySelector("[data-filters]")) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const source = event.target.closest?.("[data-print],[data-copy]");
    if (!source) return;
    if (source.dataset.print !== undefined) window.print();
    else navigator.clipboard?.writeText(source.dataset.copy);
  });

  prepare();
  document.addEventListener("htmx:load", prepare);
  document.querySelectorAll("[data-confirm-name]").forEach(armConfirm);
  document.querySelector("[data-focus]")?.focus();
})();
