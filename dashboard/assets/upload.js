/* The page Upload in the browser: files go to the server in pieces, and what becomes of them is asked for. */
(function () {
  "use strict";

  const surefoot = window.dash_clientside.surefoot;
  const PIECE = 8 * 1024 * 1024;
  const LANES = 4;
  const RETRY_MS = 2000;
  const POLL_MS = 1000;
  const SHOWN = 200;
  const READING = "They are being read now.";
  const WORDS = {
    run: "new run",
    duplicate: "recorded twice",
    skipped: "not a run",
    rejected: "could not be used",
  };
  let isSending = false;
  let stopped = false;
  let polling = null;
  let told = "";

  const byId = (id) => document.getElementById(id);
  const wait = (ms) => new Promise((go) => setTimeout(go, ms));
  const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
  const size = (bytes) =>
    bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;

  function element(tag, text, className) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function say(sentence, isBad) {
    const line = byId("upload-said");
    if (!line) return;
    line.textContent = sentence;
    line.classList.toggle("bad", Boolean(isBad));
  }

  function whose() {
    const input = byId("upload-name");
    return input ? input.value.trim() : "";
  }

  /* The answer, as often as it takes: a server that is away or busy is asked again. */
  async function ask(path, settings) {
    for (;;) {
      try {
        const answered = await fetch(`/_upload/${path}`, settings);
        const isJson = (answered.headers.get("Content-Type") || "").startsWith("application/json");
        const said = isJson ? await answered.json() : { said: `Surefoot cannot do this (${answered.status}).` };
        if (answered.status !== 503) return { status: answered.status, ok: answered.ok, said };
        say(`${said.said}. Trying again …`, true);
      } catch {
        say("Surefoot does not answer. Trying again …", true);
      }
      await wait(RETRY_MS);
    }
  }

  async function sendFile(job, number, file, start, tell) {
    let at = start;
    while (at < file.size && !stopped) {
      const answer = await ask(`${job}/${number}?offset=${at}`, {
        method: "PUT",
        headers: { "Content-Type": "application/octet-stream" },
        body: file.slice(at, at + PIECE),
      });
      if (answer.said.received === undefined) throw new Error(answer.said.said);
      if (answer.status === 409 && answer.said.received === at) await wait(RETRY_MS);
      at = answer.said.received;
      tell(at);
    }
  }

  function progressTable(files) {
    const table = document.createElement("table");
    table.className = "table";
    const body = table.createTBody();
    const rows = files.slice(0, SHOWN).map(({ name, file }) => {
      const row = body.insertRow();
      row.insertCell().textContent = name;
      const bar = document.createElement("progress");
      bar.max = Math.max(file.size, 1);
      bar.setAttribute("aria-label", name);
      row.insertCell().append(bar);
      const words = row.insertCell();
      words.className = "number";
      return { bar, words };
    });
    if (files.length > SHOWN) body.insertRow().insertCell().textContent = `and ${plural(files.length - SHOWN, "more file")}`;
    byId("upload-progress").replaceChildren(table);
    return rows;
  }

  async function send(files) {
    const athlete = whose();
    if (isSending) return say("One upload is on its way: wait until it is there.", true);
    if (!athlete) {
      say("Say first whose recordings these are.", true);
      return byId("upload-name").focus();
    }
    if (!files.length) return say("There is no file in that.", true);
    files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.file.size - b.file.size));
    isSending = true;
    stopped = false;
    try {
      const begun = await ask(`begin?athlete=${encodeURIComponent(athlete)}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ files: files.map(({ name, file }) => [name, file.size]) }),
      });
      if (!begun.ok) return say(begun.said.said, true);
      const { job_id: job, received } = begun.said;
      const rows = progressTable(files);
      const total = files.reduce((sum, { file }) => sum + file.size, 0);
      const tell = (number, at) => {
        received[number] = at;
        if (rows[number]) {
          rows[number].bar.value = files[number].file.size ? at : 1;
          rows[number].words.textContent = at < files[number].file.size ? `${size(at)} of ${size(files[number].file.size)}` : `✓ ${size(at)}`;
        }
        const there = received.reduce((sum, each) => sum + each, 0);
        say(`Sending ${plural(files.length, "file")}: ${size(there)} of ${size(total)}`);
      };
      files.forEach((_, number) => tell(number, received[number]));
      let next = 0;
      const lane = async () => {
        while (next < files.length && !stopped) {
          const number = next++;
          await sendFile(job, number, files[number].file, received[number], (at) => tell(number, at));
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      const finished = await ask(`${job}/finish`, { method: "POST" });
      say(finished.ok ? `${plural(files.length, "file")} arrived (${size(total)}). ${READING}` : finished.said.said, !finished.ok);
    } catch (error) {
      stopped = true;
      say(`The upload stopped: ${error.message}. Choose the same files again, and it goes on from there.`, true);
    } finally {
      isSending = false;
      poll();
    }
  }

  function isHidden(name) {
    return name.split("/").some((part) => part.startsWith("."));
  }

  function chosen(list) {
    const files = Array.from(list).map((file) => ({ name: file.webkitRelativePath || file.name, file }));
    return files.filter(({ name }) => !isHidden(name));
  }

  function choose(isFolder) {
    surefoot.chooseFiles({ multiple: true, webkitdirectory: isFolder }, (files) => send(chosen(files)));
  }

  /* Every file below what was dropped; a folder tells its entries a hundred at a time. */
  async function walk(entry, into) {
    if (isHidden(entry.name)) return;
    if (entry.isFile) {
      const file = await new Promise((take, fail) => entry.file(take, fail));
      into.push({ name: entry.fullPath.replace(/^\//, ""), file });
    } else {
      const reader = entry.createReader();
      for (;;) {
        const part = await new Promise((take, fail) => reader.readEntries(take, fail));
        if (!part.length) return;
        for (const each of part) await walk(each, into);
      }
    }
  }

  async function dropped(items) {
    const entries = Array.from(items).map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
    const files = [];
    try {
      for (const entry of entries.filter(Boolean)) await walk(entry, files);
    } catch {
      return say("What was dropped cannot be read by the browser: choose it with the buttons.", true);
    }
    await send(files);
  }

  function button(text, work) {
    const made = element("button", text, "button");
    made.addEventListener("click", work);
    return made;
  }

  function jobWords(job) {
    const { done = 0, files = 0, set_aside = 0, doing = "reading" } = job.progress;
    const aside = set_aside ? `, ${set_aside} set aside` : "";
    return {
      uploading: `Broken off: ${size(job.received || 0)} of ${size(job.size)} arrived. Choose the same files again, and it goes on from there.`,
      waiting: "Waiting for its turn to be read.",
      running: files ? `Now ${doing}: ${done} of ${files}${aside}.` : "Being read.",
      failed: `Not read: ${job.reason}`,
      done: "",
    }[job.state];
  }

  function resultOf(job, athlete) {
    const { counts, files, more } = job.result;
    const parts = [plural(counts.run, "new run")];
    if (counts.known || counts.copies) parts.push(`${counts.known + counts.copies} already known`);
    for (const status of ["duplicate", "skipped", "rejected"]) if (counts[status]) parts.push(`${counts[status]} ${WORDS[status]}`);
    const words = element("p", `${parts.join(", ")}. `, "words");
    const here = `/athlete/${encodeURIComponent(athlete)}`;
    const ways = [["To the answer", here], ["to the runs", `${here}/runs`]];
    const links = ways.map(([text, href]) => Object.assign(element("a", text), { href }));
    words.append(links[0], ", ", links[1]);
    const rows = files.map(([name, status, reason, advice]) => [name, WORDS[status], [reason, advice].filter(Boolean).join(": ")]);
    if (more) rows.push([`and ${more} more`, "", ""]);
    const box = element("div", "", "scroll");
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "What became of each file");
    if (rows.length) box.append(surefoot.makeTable({ columns: ["File", "What became of it", "Why, and what would do"], rows, right: [] }));
    return [words, box];
  }

  function jobCard(job, athlete) {
    const section = element("section", "", "card job");
    const names = job.names.join(", ") + (job.n_files > job.names.length ? ` and ${job.n_files - job.names.length} more` : "");
    const head = element("div", "", "card-head");
    const begun = new Date(job.begun).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    head.append(element("h2", names), element("p", `${plural(job.n_files, "file")}, ${size(job.size)}, ${begun}`, "sub"));
    section.append(head);
    if (jobWords(job)) section.append(element("p", jobWords(job)));
    if (job.state === "running" && job.progress.files) {
      const bar = document.createElement("progress");
      bar.max = job.progress.files;
      bar.value = job.progress.done;
      bar.setAttribute("aria-label", "How far the reading is");
      section.append(bar);
    }
    if (job.state === "done") section.append(...resultOf(job, athlete));
    const steps = element("div", "", "steps");
    const act = (what) => async () => {
      await ask(`${job.job_id}/${what}`, { method: "POST" });
      poll();
    };
    if (job.state === "failed") steps.append(button("Try again", act("finish")));
    if (job.state === "failed" || job.state === "uploading") steps.append(button("Discard", act("drop")));
    if (job.state === "done") steps.append(button("Take off this list", act("drop")));
    if (steps.children.length) section.append(steps);
    return section;
  }

  async function poll() {
    clearTimeout(polling);
    const athlete = whose();
    if (!byId("upload-jobs") || !athlete) return;
    let jobs = null;
    try {
      const answered = await fetch(`/_upload/list?athlete=${encodeURIComponent(athlete)}`);
      if (answered.ok) jobs = await answered.json();
    } catch {
      /* Asked again below. */
    }
    const box = byId("upload-jobs");
    if (jobs && box && athlete === whose()) {
      const shown = jobs.filter((job) => !(isSending && job.state === "uploading"));
      const now = JSON.stringify(shown);
      if (now !== told || !box.children.length) {
        told = now;
        box.replaceChildren(...shown.map((job) => jobCard(job, athlete)));
      }
    }
    const isOpen = !jobs || jobs.some((job) => job.state === "waiting" || job.state === "running");
    if (isOpen) polling = setTimeout(poll, POLL_MS);
    else if (byId("upload-said").textContent.endsWith(READING)) say("All of it is read: see below.");
  }

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    if (pressed && pressed.id === "upload-files") choose(false);
    if (pressed && pressed.id === "upload-folder") choose(true);
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      const place = event.target.closest && event.target.closest("#upload-drop");
      if (byId("upload-drop")) event.preventDefault();
      if (!place) return;
      place.classList.toggle("over", name === "dragover");
      if (name === "drop") dropped(event.dataTransfer.items);
    });
  }
  window.addEventListener("beforeunload", (event) => {
    if (isSending) event.preventDefault();
  });

  Object.assign(surefoot, {
    mountUpload(athlete) {
      const input = document.createElement("input");
      input.id = "upload-name";
      input.className = "text";
      input.maxLength = 100;
      input.value = athlete || "";
      input.autocomplete = "off";
      input.setAttribute("list", "upload-names");
      input.addEventListener("change", poll);
      byId("upload-name-slot").replaceChildren(input);
      told = "";
      poll();
      return window.dash_clientside.no_update;
    },
  });
})();
