/* The page of a run in the browser: a stretch is marked as technical or smooth, and a mark taken back. */
(function () {
  "use strict";

  const surefoot = window.dash_clientside.surefoot;
  const byId = (id) => document.getElementById(id);
  const RETRY_MS = 3000;
  let athlete = null;
  let run = null;

  function say(sentence, isBad) {
    const line = byId("mark-said");
    line.textContent = sentence;
    line.classList.toggle("bad", Boolean(isBad));
  }

  async function ask(path, body) {
    say("Labelling the runs over this place again …");
    for (;;) {
      const answered = await fetch(`/_marks/${path}?${new URLSearchParams({ athlete })}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      const isJson = (answered.headers.get("Content-Type") || "").startsWith("application/json");
      const { said } = isJson ? await answered.json() : { said: `Surefoot cannot do this (${answered.status}).` };
      say(said, !answered.ok);
      if (answered.status !== 503) return answered.ok;
      await new Promise((go) => setTimeout(go, RETRY_MS));
    }
  }

  function change(path, body, next) {
    const buttons = document.querySelectorAll("#mark-technical, #mark-smooth, #mark-list button");
    const work = async () => {
      try {
        if (await ask(path, body)) window.dash_clientside.set_props("run-changed", { data: String(Date.now()) });
      } catch {
        say("Surefoot does not answer: nothing was changed.", true);
      }
    };
    surefoot.whileOff(buttons, work, next);
  }

  document.addEventListener("change", (event) => {
    if (event.target.id !== "mark-stretch" || !event.target.value) return;
    event.target.value.split(" ").forEach((metres, i) => {
      const id = i ? "mark-to" : "mark-from";
      window.dash_clientside.set_props(id, { value: String(Number((Number(metres) / (1000 * surefoot.unit.km)).toFixed(3))) });
    });
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#mark-technical, #mark-smooth");
    if (!button) return;
    const [from, to] = ["mark-from", "mark-to"].map((id) => parseFloat(byId(id).value.replace(",", ".")));
    if (Number.isNaN(from) || Number.isNaN(to)) return say(`Say from where to where, in ${surefoot.unit.name}.`, true);
    const terrain = button.id.replace("mark-", "");
    const unitM = 1000 * surefoot.unit.km;
    change("add", { run, start_m: from * unitM, end_m: to * unitM, terrain });
  });

  surefoot.showMarks = (marks, whose, which) => {
    athlete = whose;
    run = which;
    const items = marks.map(({ mark, terrain, said, href }) => {
      const item = document.createElement("li");
      const where = document.createElement(href ? "a" : "span");
      where.textContent = said;
      if (href) where.href = href;
      const undo = document.createElement("button");
      undo.className = "button";
      undo.textContent = "Undo";
      undo.setAttribute("aria-label", `Undo: ${said} is ${terrain}`);
      undo.addEventListener("click", () => change("undo", { mark }, byId("mark-stretch")));
      item.append(`You marked as ${terrain}: `, where, " ", undo);
      return item;
    });
    byId("mark-list").replaceChildren(...items);
  };
})();
