/* The page Plan in the browser: a plan is drawn only when its button is pressed. */
(function () {
  "use strict";

  let athlete = null;
  const written = (id) => document.getElementById(id).value;

  function draw() {
    const said = document.getElementById("plan-said");
    const button = document.getElementById("plan-draw");
    const wanted = {
      block_weeks: Number(written("plan-block")),
      weeks: Number(written("plan-weeks")),
      start: written("plan-start"),
    };
    const work = async () => {
      try {
        const answered = await fetch(`/_plan/draw?${new URLSearchParams({ athlete })}`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(wanted),
        });
        const isJson = (answered.headers.get("Content-Type") || "").startsWith("application/json");
        said.textContent = isJson ? (await answered.json()).said : "Write the first day as year-month-day, then draw again.";
        said.classList.toggle("bad", !answered.ok);
        if (answered.ok) window.dash_clientside.set_props("plan-changed", { data: String(Date.now()) });
      } catch {
        said.textContent = "Nothing was drawn: Surefoot does not answer.";
        said.classList.add("bad");
      }
    };
    window.dash_clientside.surefoot.whileOff([button], work);
  }

  window.dash_clientside.surefoot.planFor = (whose) => {
    athlete = whose;
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest("#plan-draw")) draw();
  });
})();
