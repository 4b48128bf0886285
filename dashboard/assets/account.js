/* The page Account in the browser: a form or a button is sent, and what was done is said. */
(function () {
  "use strict";

  /* Whose session is over is asked to sign in, on whatever page it happens. */
  const plain = window.fetch;
  let isLeaving = false; /* A second refusal must not stop the way there that the first began. */
  window.addEventListener("pageshow", () => (isLeaving = false));
  window.fetch = async (...given) => {
    const answered = await plain(...given);
    if (answered.status === 401 && !isLeaving) {
      isLeaving = true;
      const here = window.location.pathname + window.location.search;
      window.location.assign(`/sign-in?${new URLSearchParams({ next: here })}`);
    }
    return answered;
  };

  async function send(what, given) {
    const line = document.getElementById("account-said");
    const say = (sentence, isBad) => {
      line.textContent = sentence;
      line.classList.toggle("bad", isBad);
      line.scrollIntoView({ block: "nearest" });
    };
    try {
      const answered = await fetch(`/_account/${what}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(given),
      });
      const isJson = (answered.headers.get("Content-Type") || "").startsWith("application/json");
      const told = isJson ? await answered.json() : { said: `Surefoot cannot do this (${answered.status}).` };
      say(told.said, !answered.ok);
      if (told.leave) window.location.assign("/sign-in");
      if (answered.ok) window.dash_clientside.set_props("account-changed", { data: String(Date.now()) });
    } catch {
      say("Nothing was done: Surefoot does not answer.", true);
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-account]");
    if (!form) return;
    event.preventDefault();
    send(form.dataset.account, Object.fromEntries(new FormData(form)));
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-account]");
    if (!button) return;
    const given = Object.entries(button.dataset).filter(([name]) => name.startsWith("give"));
    send(button.dataset.account, Object.fromEntries(given.map(([name, value]) => [name.slice(4).toLowerCase(), value])));
  });
})();
