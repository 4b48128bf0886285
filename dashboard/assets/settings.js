/* The page Settings in the browser: every field is saved when it is left, and what is refused says so beside it. */
(function () {
  "use strict";

  const surefoot = window.dash_clientside.surefoot;
  const RETRY_MS = 3000;
  const POLL_MS = 1500;
  const LOOK = "mantine-color-scheme-value";
  const LOOKS = { auto: "As this device", light: "Light", dark: "Dark" };
  const UNITS = { km: "Kilometres, metres, min/km", mi: "Miles, feet, min/mile" };
  const PLACES = { 0: "Places are learnt from this athlete's runs alone", 1: "Together with all others who choose this" };
  let athlete = null;
  let done = []; // what undo takes back, the last at the end
  let polling = null;
  let queue = Promise.resolve();

  const byId = (id) => document.getElementById(id);

  function element(tag, text, className, settings) {
    const made = Object.assign(document.createElement(tag), settings);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function say(sentence, isBad) {
    const line = byId("settings-said");
    if (!line) return;
    line.textContent = sentence;
    line.classList.toggle("bad", Boolean(isBad));
    surefoot.turn(byId("settings-undo"), done.length > 0, byId("main"));
  }

  async function ask(path, body) {
    for (;;) {
      try {
        const answered = await fetch(`/_settings/${path}?${new URLSearchParams({ athlete })}`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(body),
        });
        const isJson = (answered.headers.get("Content-Type") || "").startsWith("application/json");
        const said = isJson ? await answered.json() : { said: `Surefoot cannot do this (${answered.status}).` };
        if (answered.status !== 503) return { ok: answered.ok, ...said };
        say(`Not saved yet: ${said.said}. Trying again …`, true);
      } catch {
        say("Not saved yet: Surefoot does not answer. Trying again …", true);
      }
      await new Promise((go) => setTimeout(go, RETRY_MS));
    }
  }

  /* One request after the other, so that undo goes back the way that was come. */
  function send(path, body) {
    const answer = queue.then(() => ask(path, body));
    queue = answer.catch(() => null);
    return answer;
  }

  function refresh() {
    window.dash_clientside.set_props("settings-changed", { data: String(Date.now()) });
  }

  /* An error stands beside its field, and is read out with it. */
  function complain(input, sentence) {
    const line = byId(`${input.id}-wrong`);
    if (line) line.textContent = sentence;
    input.setAttribute("aria-invalid", String(Boolean(sentence)));
  }

  async function saveField(input, key, label) {
    if (input.value.trim() === input.dataset.kept) return complain(input, "");
    const own = ["tiles", "groups"].includes(key);
    const body = (value) => (own ? { value } : { key, value });
    const path = own ? key : "change";
    const answer = await send(path, body(input.value));
    if (!answer.ok) {
      complain(input, answer.said);
      return say(`Not saved: ${answer.said}`, true);
    }
    complain(input, "");
    input.value = input.dataset.kept = answer.value;
    done.push({ path, body: body(answer.undo) });
    say(`Saved: ${label}.`);
    after(answer, key === "tiles");
  }

  /* The page's own rules say which hosts it may ask: they are those of when it was loaded. */
  function after(answer, isTiles) {
    if (isTiles) return window.location.reload();
    if (answer.is_due) poll();
    refresh();
  }

  async function undo() {
    const last = done.pop();
    if (!last) return;
    const answer = await send(last.path, last.body);
    say(answer.ok ? "Taken back." : `It cannot be taken back: ${answer.said}`, !answer.ok);
    if (answer.ok) after(answer, last.path === "tiles");
  }

  function field({ key, label, value, default: usual, bounds }, note) {
    const box = element("label", "", "setting");
    const input = element("input", "", "text", { id: `setting-${key}`, type: "text", value, autocomplete: "off" });
    const isNumber = bounds && bounds.length;
    if (isNumber) input.inputMode = "decimal";
    input.dataset.kept = value;
    input.setAttribute("aria-describedby", `${input.id}-note ${input.id}-wrong`);
    const told = isNumber ? `${bounds[0]} to ${bounds[1]}, ${usual} unless set` : note;
    box.append(
      element("span", label, "words"),
      input,
      element("span", told, "note", { id: `${input.id}-note` }),
      element("span", "", "wrong", { id: `${input.id}-wrong` })
    );
    box.lastChild.setAttribute("role", "alert");
    input.addEventListener("change", () => saveField(input, key, label));
    return box;
  }

  function options(name, legend, choices, chosen, choose) {
    const group = element("fieldset", "", "options");
    group.append(element("legend", legend, "hidden-words"));
    for (const [value, label] of Object.entries(choices)) {
      const box = element("label", "", "option");
      const input = element("input", "", "", { type: "radio", name, value, checked: value === chosen });
      input.addEventListener("change", () => choose(value));
      box.append(input, element("span", label));
      group.append(box);
    }
    return group;
  }

  /* What is being written or is refused stays as it is when the page is filled anew. */
  function fill(slot, made) {
    const box = byId(slot);
    if (!box.children.length) return box.replaceChildren(...made);
    for (const input of made.flatMap((each) => [...each.querySelectorAll("input")])) {
      const there = input.id ? byId(input.id) : box.querySelector(`input[value="${input.value}"]`);
      if (!there) continue;
      if (there.type === "radio") there.checked = input.checked;
      else if (there !== document.activeElement && there.getAttribute("aria-invalid") !== "true") {
        there.value = there.dataset.kept = input.value;
      }
    }
    return box;
  }

  async function choose(key, value, label) {
    const answer = await send("change", { key, value });
    if (!answer.ok) return say(`Not saved: ${answer.said}`, true);
    done.push({ path: "change", body: { key, value: answer.undo } });
    say(`Saved: ${label}.`);
    return after(answer);
  }

  /* Mantine listens for what another window of this browser remembers: told so, it changes at once. */
  function look(value) {
    window.localStorage.setItem(LOOK, value);
    window.dispatchEvent(new StorageEvent("storage", { key: LOOK, newValue: value, storageArea: window.localStorage }));
  }

  function tellWork({ is_open: isOpen, failed, declared, answered }) {
    const line = byId("settings-work");
    if (!line) return;
    const parts = [];
    if (isOpen) parts.push(`The answer is being made again with a half-life of ${declared} days …`);
    else if (failed) parts.push(`The answer could not be made again: ${failed}`);
    else if (answered) parts.push(`The answer was made with a half-life of ${answered} days. `);
    line.replaceChildren(...parts);
    if (!isOpen && answered) {
      line.append(element("a", "To the answer", "", { href: `/athlete/${encodeURIComponent(athlete)}` }));
    }
  }

  async function workOf(whose) {
    try {
      const answered = await fetch(`/_settings/work?${new URLSearchParams({ athlete: whose })}`);
      return answered.ok ? await answered.json() : null;
    } catch {
      return null;
    }
  }

  async function poll() {
    clearTimeout(polling);
    if (!byId("settings-work")) return;
    const work = await workOf(athlete);
    if (work) tellWork(work);
    if (!work || work.is_open) polling = setTimeout(poll, POLL_MS);
  }

  function zoneLine({ zone, name, said }) {
    const item = element("li", "");
    const words = element("span", "", "words");
    words.append(element("strong", name), ` ${said}`);
    const remove = element("button", "Remove", "button");
    remove.setAttribute("aria-label", `Remove the zone ${name}`);
    remove.addEventListener("click", async () => {
      const answer = await send("zone/remove", { zone });
      if (!answer.ok) return say(answer.said, true);
      done.push({ path: "zone/restore", body: { zone } });
      say(`${name} is taken back: runs near it are shown whole. Undo lets it hide again.`);
      return refresh();
    });
    item.append(words, remove);
    return item;
  }

  async function addZone() {
    const picked = document.querySelector("input[name=zone-place]:checked");
    const value = (id) => byId(id).value.trim();
    const body = { name: value("zone-name"), radius_m: value("zone-radius") };
    if (picked && picked.value) body.run = picked.value;
    else Object.assign(body, { lat_deg: value("zone-lat"), lon_deg: value("zone-lon") });
    const answer = await send("zone", body);
    byId("zone-wrong").textContent = answer.ok ? "" : answer.said;
    if (!answer.ok) return say(`Nothing is hidden yet: ${answer.said}`, true);
    done.push({ path: "zone/remove", body: { zone: answer.zone } });
    ["zone-name", "zone-lat", "zone-lon"].forEach((id) => (byId(id).value = ""));
    say(answer.said);
    return refresh();
  }

  function short(id, label, value, mode) {
    const box = element("label", label);
    const input = element("input", "", "text", { id, type: "text", value, autocomplete: "off" });
    if (mode) input.inputMode = mode;
    box.append(input);
    return box;
  }

  function placeChoices(starts) {
    const choices = Object.fromEntries(starts.map(({ run, name, said }) => [run, `Place ${name}: ${said}`]));
    const chosen = starts.length ? starts[0].run : "";
    return options("zone-place", "Which place", { ...choices, "": "Another, by latitude and longitude" }, chosen, whichPlace);
  }

  function whichPlace(value) {
    byId("zone-typed").hidden = Boolean(value);
  }

  function zoneForm(starts) {
    const form = element("div", "", "stack tight");
    const typed = element("div", "", "fields", { id: "zone-typed", hidden: starts.length > 0 });
    typed.append(short("zone-lat", "Latitude, degrees", "", "text"), short("zone-lon", "Longitude, degrees", "", "text"));
    const row = element("div", "", "fields");
    const add = element("button", "Hide what is near", "button", { id: "zone-add" });
    add.addEventListener("click", addZone);
    row.append(short("zone-name", "Name", "", ""), short("zone-radius", "Radius, 100 to 2000 m", "500", "decimal"), add);
    const wrong = element("p", "", "wrong", { id: "zone-wrong" });
    wrong.setAttribute("role", "alert");
    form.append(element("div", "", "", { id: "zone-places" }), typed, row, wrong);
    return form;
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#settings-undo")) undo();
  });

  Object.assign(surefoot, {
    showSettings(data) {
      if (!data) return;
      if (data.athlete !== athlete) {
        athlete = data.athlete;
        done = [];
      }
      const by = Object.fromEntries(data.fields.map((each) => [each.key, each]));
      const { units, half_life_days: halfLife, share_places: shared, ...plan } = by;
      fill("settings-units", [options("units", "Units", UNITS, units.value, (value) => choose("units", value, "units"))]);
      const kept = window.localStorage.getItem(LOOK) || "auto";
      fill("settings-look", [options("look", "Light or dark", LOOKS, kept, look)]);
      fill("settings-half-life", [field({ ...halfLife, label: "Half-life, days" })]);
      fill("settings-plan", Object.values(plan).map((each) => field(each)));
      const share = (value) => choose("share_places", value, "places");
      fill("settings-shared", [options("shared", "Places", PLACES, shared.value, share)]);
      const example = "https://tiles.example.org/{z}/{x}/{y}.png";
      const told = data.host ? `${data.host} is asked, and learns where the runs were.` : `Such as ${example}. No host is asked.`;
      fill("settings-tiles", [field({ key: "tiles", label: "Address of tiles, empty for none", value: data.tiles }, told)]);
      byId("setting-tiles-note").textContent = told;
      if (data.groups !== null) {
        const known = data.known_groups.length ? `There is: ${data.known_groups.join(", ")}.` : "Such as juniors, injured.";
        fill("settings-groups", [field({ key: "groups", label: "Groups, several with commas", value: data.groups }, known)]);
        byId("setting-groups-note").textContent = known;
      }
      byId("settings-grouped").hidden = data.groups === null;
      const none = element("li", "Nothing is hidden.", "small");
      byId("settings-zones").replaceChildren(...(data.zones.length ? data.zones.map(zoneLine) : [none]));
      if (!byId("zone-places")) byId("settings-places").replaceChildren(zoneForm(data.starts));
      byId("zone-places").replaceChildren(placeChoices(data.starts));
      whichPlace(data.starts.length ? data.starts[0].run : "");
      tellWork(data.work);
      if (data.work.is_open) poll();
      say(byId("settings-said").textContent);
    },
    pickStart(click, data) {
      const start = click && data && data.starts[click.points[0].pointIndex];
      const input = start && document.querySelector(`input[name=zone-place][value="${start.run}"]`);
      if (input) {
        input.checked = true;
        whichPlace(start.run);
      }
    },
    /* The answer's page is loaded again once the answer that is being made is there. */
    async watchAnswer(whose) {
      while (whose && byId("answer-due")) {
        await new Promise((go) => setTimeout(go, POLL_MS));
        const work = await workOf(whose);
        if (work && !work.is_open && byId("answer-due")) return window.location.reload();
      }
      return undefined;
    },
  });
})();
