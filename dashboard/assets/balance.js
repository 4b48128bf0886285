/* The page Balance in the browser: cells are saved one after the other, what is refused stays in its row. */
(function () {
  "use strict";

  const surefoot = window.dash_clientside.surefoot;
  const NEEDED = ["date", "drill", "minutes"];
  const RETRY_MS = 3000;
  let athlete = null;
  let stored = [];
  let held = new Map(); // id → a row with what could not be saved yet: {data, values}
  let done = []; // what undo takes back, the last at the end: {held: id} or {change}
  let drafts = 0;
  let saving = Promise.resolve();
  let queue = Promise.resolve();

  const byId = (id) => document.getElementById(id);
  function grid() {
    try {
      return window.dash_ag_grid.getApi("balance-grid");
    } catch {
      return null; // not drawn yet
    }
  }

  const isDraft = (id) => id.startsWith("draft-");

  function say(sentence, isBad) {
    const line = byId("balance-said");
    if (!line) return;
    line.textContent = sentence;
    line.classList.toggle("bad", Boolean(isBad));
  }

  async function ask(path, body, more) {
    const query = new URLSearchParams({ athlete, ...more });
    const isFile = body instanceof Blob;
    for (;;) {
      let answered;
      try {
        answered = await fetch(`/_log/${path}?${query}`, {
          method: "POST",
          headers: { "Content-Type": isFile ? "application/octet-stream" : "application/json" },
          body: isFile ? body : JSON.stringify(body),
        });
      } catch {
        say("Not saved yet: Surefoot does not answer. Trying again …", true);
        await new Promise((go) => setTimeout(go, RETRY_MS));
        continue;
      }
      const isJson = (answered.headers.get("Content-Type") || "").startsWith("application/json");
      const said = isJson ? await answered.json() : { said: `Surefoot cannot do this (${answered.status}).` };
      if (answered.status !== 503) return { ok: answered.ok, ...said };
      say(`Not saved yet: ${said.said}. Trying again …`, true);
      await new Promise((go) => setTimeout(go, RETRY_MS));
    }
  }

  /* One request after the other, so that each sees what the one before has made. */
  function send(path, body, more) {
    const answer = queue.then(() => ask(path, body, more));
    queue = answer.catch(() => null);
    return answer;
  }

  function refresh() {
    window.dash_clientside.set_props("balance-changed", { data: String(Date.now()) });
  }

  function rows() {
    const kept = stored.map((row) => (held.has(row.session_id) ? held.get(row.session_id).data : row));
    return [...[...held.values()].map((row) => row.data).filter((row) => isDraft(row.session_id)).reverse(), ...kept];
  }

  function show() {
    const api = grid();
    const wrong = [...held.values()].some((row) => row.data.problem);
    surefoot.turn(byId("balance-undo"), done.length > 0, byId("balance-add"));
    if (!api) return;
    api.setGridOption("rowData", rows());
    api.setColumnsVisible(["problem"], wrong);
    api.refreshCells({ force: true });
  }

  function refuse(row, errors) {
    row.data = { ...row.data, problem: errors.map((e) => e.message).join(" "), wrong: errors.map((e) => e.column) };
    const where = row.data.date ? `${row.data.date}, ` : "";
    say(`Not saved: ${where}${errors.map((e) => `${e.column}: ${e.message}`).join("; ")}`, true);
    show();
  }

  async function change(wanted, sentence) {
    const answer = await send("change", wanted);
    if (!answer.ok) say(answer.said, true);
    if (answer.undo) say(sentence);
    return answer;
  }

  async function save(id) {
    const row = held.get(id);
    if (!row) return;
    const sent = { ...row.values };
    const values = { ...sent };
    if (isDraft(id)) {
      const missing = NEEDED.filter((name) => !String(row.data[name] ?? "").trim());
      if (missing.length) {
        row.data = { ...row.data, problem: `Still missing: ${missing.join(", ")}`, wrong: [] };
        say(`Not saved yet, still missing: ${missing.join(", ")}`);
        return show();
      }
    } else values.session_id = id;
    const answer = await change({ put: [values] }, "Saved.");
    if (answer.errors) return refuse(row, answer.errors);
    if (!answer.undo) return refuse(row, [{ column: "", message: answer.said }]);
    held.delete(id);
    done = done.filter((entry) => entry.held !== id);
    done.push({ change: answer.undo });
    /* What was written while this was on its way goes after it, under the name that the row has now. */
    const [name] = answer.undo.remove;
    const later = Object.entries(row.values).filter(([column, text]) => sent[column] !== text);
    if (later.length) {
      held.set(name, { data: { ...row.data, session_id: name }, values: Object.fromEntries(later) });
      queueSave(name);
    }
    show();
    refresh();
  }

  function queueSave(id) {
    saving = saving.then(() => save(id));
  }

  function add(day) {
    const now = new Date();
    const today = new Date(now - now.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
    const id = `draft-${++drafts}`;
    const data = { session_id: id, date: day || today, drill: "", minutes: "" };
    held.set(id, { data, values: { date: data.date } });
    done.push({ held: id });
    show();
    const api = grid();
    api.paginationGoToFirstPage();
    byId("balance-add").scrollIntoView({ block: "center" });
    say(`A new row for ${data.date}: write the drill and the minutes.`);
    setTimeout(() => {
      const node = api.getRowNode(id);
      if (node) api.startEditingCell({ rowIndex: node.rowIndex, colKey: "drill" });
    }, 50);
  }

  async function remove(id) {
    const row = stored.find((each) => each.session_id === id);
    held.delete(id);
    done = done.filter((entry) => entry.held !== id);
    if (!row) return show();
    const answer = await change({ remove: [id] }, `Deleted: ${row.drill} of ${row.date}. Undo brings it back.`);
    if (answer.undo) {
      done.push({ change: answer.undo });
      refresh();
    }
    show();
  }

  async function undo() {
    const last = done.pop();
    if (!last) return;
    if (last.held) {
      held.delete(last.held);
      say("What was not saved is gone.");
      return show();
    }
    const answer = await change(last.change, "Taken back.");
    if (answer.errors) say(`It cannot be taken back: ${answer.errors.map((e) => e.message).join(" ")}`, true);
    show();
    refresh();
  }

  function button(text, work, label) {
    const made = document.createElement("button");
    made.className = "button";
    made.textContent = text;
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", work);
    return made;
  }

  function element(tag, text, className) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  async function takeIn(file, dates) {
    say(`Reading ${file.name} …`);
    const answer = await send("import", file, { name: file.name, dates });
    say(answer.said, !answer.ok);
    const shown = [];
    if (answer.ask === "dates") {
      const asked = element("p", "Which comes first in its dates, the day or the month? ", "ask");
      asked.append(button("Day first", () => takeIn(file, "dmy")), button("Month first", () => takeIn(file, "mdy")));
      shown.push(asked);
    }
    if (answer.errors && answer.errors.length) {
      const lines = answer.errors.map((e) => [String(e.line), e.column, e.message]);
      if (answer.more) lines.push(["…", "", `and ${answer.more} more`]);
      shown.push(
        surefoot.makeTable({ columns: ["Line", "Column", "What is wrong"], rows: lines, right: [true, false, false] })
      );
    }
    byId("balance-result").replaceChildren(...shown);
    refresh();
  }

  async function tell(path, body) {
    const answer = await send(path, body);
    say(answer.said, !answer.ok);
    refresh();
    return answer;
  }

  function list(card, title, sub, items) {
    const box = byId(card);
    box.hidden = !items.length;
    const heading = element("div", "", "card-head");
    heading.append(element("h2", title), element("p", sub, "sub"));
    const entries = element("ul", "", "choices");
    entries.append(...items);
    /* What was being written stays when the list comes anew. */
    const label = (input) => input.getAttribute("aria-label");
    const typed = new Map([...box.querySelectorAll("input")].map((input) => [label(input), input.value]));
    const writing = box.contains(document.activeElement) ? label(document.activeElement) : null;
    box.replaceChildren(heading, entries);
    for (const input of box.querySelectorAll("input")) {
      input.value = typed.get(label(input)) || "";
      if (label(input) === writing) input.focus();
    }
    return heading;
  }

  function line(name, said, ...controls) {
    const item = element("li", "");
    const words = element("span", "", "words");
    words.append(element("strong", name), ` ${said}`);
    item.append(words, ...controls);
    return item;
  }

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    if (!pressed) return;
    if (pressed.id === "balance-add") add();
    else if (pressed.id === "balance-undo") undo();
    else if (pressed.id === "balance-import") {
      surefoot.chooseFiles({ accept: ".csv,.tsv,.txt,.xlsx" }, ([file]) => takeIn(file, ""));
    } else if (pressed.dataset.day) add(pressed.dataset.day);
    else if (pressed.classList.contains("delete")) {
      const row = pressed.closest("[row-id]");
      if (row && pressed.closest("#balance-grid")) remove(row.getAttribute("row-id"));
    }
  });

  document.addEventListener("keydown", (event) => {
    if (!byId("balance-grid") || !event.target.closest || event.target.matches("input, select, textarea")) return;
    const cell = event.target.closest("#balance-grid .ag-cell");
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      event.preventDefault();
      undo();
    } else if (cell && cell.getAttribute("col-id") === "remove" && ["Enter", " "].includes(event.key)) {
      event.preventDefault();
      remove(cell.closest("[row-id]").getAttribute("row-id"));
    }
  });

  /* A grid that draws itself anew gives its last cell the focus back: not once the reader has gone on. */
  document.addEventListener("focusin", (event) => {
    if (!byId("balance-grid") || event.target.closest("#balance-grid")) return;
    const api = grid();
    if (api) api.clearFocusedCell();
  });

  window.addEventListener("beforeunload", (event) => {
    if (held.size && byId("balance-grid")) event.preventDefault();
  });

  /* On a phone day, drill, minutes and the way to delete are in sight; a long drill takes a second line. */
  const IN_SIGHT = { date: { width: 103 }, drill: { width: 101, wrapText: true, autoHeight: true }, minutes: { width: 74 }, remove: { width: 56 } };

  Object.assign(surefoot, {
    fitLog(grid, columns) {
      if (!surefoot.isPhone()) return window.dash_clientside.no_update;
      const plain = { flex: undefined, minWidth: undefined };
      return columns.map((column) => (column.field in IN_SIGHT ? { ...column, ...plain, ...IN_SIGHT[column.field] } : column));
    },
    showLog(found, whose) {
      if (whose !== athlete) {
        athlete = whose;
        held = new Map();
        done = [];
      }
      stored = found || [];
      setTimeout(show, 0);
      return rows();
    },
    saveCell(events) {
      for (const { rowId, data, colId, value } of events || []) {
        const row = held.get(rowId) || { data: { ...data }, values: {} };
        row.values[colId] = String(value ?? "");
        row.data = { ...row.data, [colId]: value, problem: "", wrong: [] };
        if (!held.has(rowId)) done.push({ held: rowId });
        held.set(rowId, row);
        queueSave(rowId);
      }
    },
    showProposals(proposals) {
      const decide = (ids, status) => tell("proposals", { session_ids: ids, status });
      const items = (proposals || []).map(({ session_id, drill, said }) =>
        line(
          drill,
          said,
          button("Accept", () => decide([session_id], "accepted"), `Accept ${drill}, ${said}`),
          button("Decline", () => decide([session_id], "declined"), `Decline ${drill}, ${said}`)
        )
      );
      const sub = "The watch recorded these exercises. They count only once they are in the log.";
      const heading = list("balance-proposals-card", "From the watch, not in the log yet", sub, items);
      const ids = (proposals || []).map((each) => each.session_id);
      if (ids.length > 1) heading.append(button("Accept all", () => decide(ids, "accepted")));
    },
    showUnnamed(drills) {
      const items = (drills || []).map(({ drill, said }) => {
        const input = document.createElement("input");
        input.className = "text";
        input.placeholder = "which drill is it?";
        input.setAttribute("list", "balance-drills");
        input.setAttribute("aria-label", `The drill that ${drill} means`);
        const name = () => input.value.trim() && tell("name", { logged: drill, drill: input.value });
        input.addEventListener("keydown", (event) => event.key === "Enter" && name());
        return line(drill, said, input, button("Name it", name, `Name ${drill}`));
      });
      const sub = "Nobody knows these drills. They count, but stand under “other” until they have a name.";
      list("balance-unnamed-card", "Drills without a name", sub, items);
    },
  });
})();
