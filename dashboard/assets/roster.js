/* The page Roster in the browser: a cell of the column Groups is saved when it is left. */
(function () {
  "use strict";

  const surefoot = window.dash_clientside.surefoot;

  function say(sentence, isBad) {
    const line = document.getElementById("roster-told");
    if (!line) return;
    line.textContent = sentence;
    line.classList.toggle("bad", isBad);
  }

  async function save({ data, value }) {
    try {
      const answered = await fetch(`/_settings/groups?${new URLSearchParams({ athlete: data.athlete })}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ value: value || "" }),
      });
      const isJson = (answered.headers.get("Content-Type") || "").startsWith("application/json");
      const said = isJson ? await answered.json() : { said: `Surefoot cannot do this (${answered.status}).` };
      if (!answered.ok) return say(`Not saved: ${said.said}`, true);
      return say(said.value ? `Saved: ${data.athlete} is in ${said.value}.` : `Saved: ${data.athlete} is in no group.`, false);
    } catch {
      return say("Not saved: Surefoot does not answer.", true);
    }
  }

  Object.assign(surefoot, {
    /* What was refused is shown again as it is kept. */
    async saveGroups(changes) {
      for (const change of changes || []) await save(change);
      window.dash_clientside.set_props("roster-changed", { data: String(Date.now()) });
    },
  });
})();
