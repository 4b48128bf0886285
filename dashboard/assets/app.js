/* What runs in the browser on every page: the title, the menu, the athlete's address, tables. */
(function () {
  "use strict";

  /* Dash asks for all of plotly where this is not set: the smaller bundle is on its way, and is waited for. */
  window.Plotly = window.Plotly || new Promise((done) => document.getElementById("plotly").addEventListener("load", done));

  const IN_FIRST_FRAME = 40;
  function makeTable({ columns, rows, right, none }) {
    if (!rows.length) return Object.assign(document.createElement("p"), { className: "small", textContent: none });
    const table = document.createElement("table");
    table.className = "table";
    const line = (tag, texts) => {
      const row = document.createElement("tr");
      texts.forEach((text, i) => {
        const cell = document.createElement(text ? tag : "td");
        cell.textContent = text;
        if (cell.tagName === "TH") cell.scope = "col";
        if (right[i]) cell.className = "number";
        row.appendChild(cell);
      });
      return row;
    };
    table.createTHead().appendChild(line("th", columns));
    const body = table.createTBody();
    const add = (some) => body.append(...some.map((texts) => line("td", texts)));
    add(rows.slice(0, IN_FIRST_FRAME));
    /* No more are in sight without scrolling, and hundreds take longer to lay out than a chart to draw. */
    if (rows.length > IN_FIRST_FRAME) requestAnimationFrame(() => setTimeout(() => add(rows.slice(IN_FIRST_FRAME))));
    return table;
  }

  /* Tables under a closed lid are made when it is opened: a season's rows are most of a page. */
  const tablesOf = new WeakMap();
  function drawTables(place) {
    if (tablesOf.has(place) && !place.closest("details:not([open])")) place.replaceChildren(...(tablesOf.get(place) || []).map(makeTable));
  }

  /* The browser's window of files. Its input stands in the page: a loose one may be thrown away before it answers. */
  function chooseFiles(settings, take) {
    document.querySelectorAll("input.chooser").forEach((old) => old.remove());
    const input = Object.assign(document.createElement("input"), settings, { type: "file", hidden: true, className: "chooser" });
    input.addEventListener("change", () => input.files.length && take(input.files));
    document.body.append(input);
    input.click();
  }

  function athleteOf(pathname) {
    const match = /^\/athlete\/([^/]+)/.exec(pathname || "");
    return match ? decodeURIComponent(match[1]) : null;
  }

  const PHONE_PX = 600;
  const isPhone = () => window.innerWidth <= PHONE_PX;
  const IN_SIGHT = { "runs-grid": ["day", "counts"], "roster-grid": ["athlete", "why"] };
  const SCHEME = "data-mantine-color-scheme";
  const narrow = window.matchMedia(`(max-width: ${PHONE_PX}px)`);
  const scheme = () => (document.documentElement.getAttribute(SCHEME) || "light") + (narrow.matches ? " narrow" : "");

  /* Mantine's own report of the scheme lags one change behind, so its mark on the page is read instead. */
  const tellScheme = () => {
    if (document.getElementById("shell")) window.dash_clientside.set_props("colours", { data: scheme() });
  };
  narrow.addEventListener("change", tellScheme);

  /* The grid gives a cell the focus, not the link in it. */
  document.addEventListener("keydown", ({ key, target }) => {
    const link = key === "Enter" && target.matches(".ag-cell") && target.querySelector("a");
    if (link) link.click();
  });

  /* What is one step away is drawn when it is opened. */
  const tellOpened = ({ target }) => {
    target.querySelectorAll(".scroll").forEach(drawTables);
    if (target.matches("details.step[open]")) window.dash_clientside.set_props(`${target.id}-opened`, { data: "yes" });
  };
  document.addEventListener("toggle", tellOpened, true);
  new MutationObserver(tellScheme).observe(document.documentElement, { attributes: true, attributeFilter: [SCHEME] });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    surefoot: {
      makeTable,
      chooseFiles,
      isPhone,
      /* A button that is off has no focus: where it had it and is off while `work` goes on, or for good, whoever goes by
         keyboard is taken to what is `next`. */
      async whileOff(buttons, work, next = document.activeElement) {
        buttons.forEach((button) => (button.disabled = true));
        await work();
        buttons.forEach((button) => (button.disabled = false));
        if (document.activeElement === document.body) next.focus({ preventScroll: true });
      },
      turn(button, isOn, next) {
        const had = document.activeElement === button;
        button.disabled = !isOn;
        if (had && !isOn) next.focus({ preventScroll: true });
      },
      setTitle(title) {
        if (title) document.title = title;
        return window.dash_clientside.no_update;
      },
      tellColours(pathname, told) {
        return scheme() === told ? window.dash_clientside.no_update : scheme();
      },
      toggleMenu(opened, navbar) {
        return { ...navbar, collapsed: { mobile: !opened } };
      },
      fillTables(...given) {
        const slots = given.splice(given.length / 2);
        slots.forEach((slot, i) => {
          const place = document.getElementById(slot);
          if (tablesOf.get(place) === given[i]) return;
          tablesOf.set(place, given[i]);
          drawTables(place);
        });
      },
      /* On a phone what makes a row tall must be in sight: two columns stand first, no other is more than a line. */
      fitColumns(grid, columns) {
        if (!isPhone()) return window.dash_clientside.no_update;
        const plain = { flex: undefined, filter: false };
        const [name, reason] = IN_SIGHT[grid].map((field) => columns.find((column) => column.field === field));
        const rest = columns.filter((column) => ![name, reason].includes(column));
        const line = { wrapText: false, autoHeight: false };
        return [
          { ...name, ...plain, width: 104 },
          { ...reason, ...plain, minWidth: 120, width: grid === "runs-grid" ? 172 : 250 },
          ...rest.map((column) => ({ ...column, ...plain, ...line, width: column.wrapText ? 220 : column.type ? 88 : 108 })),
        ];
      },
      /* Another page: the menu closes, and whoever goes by keyboard is at its beginning, past the frame. */
      beginPage() {
        document.getElementById("main").focus({ preventScroll: true });
        return false;
      },
      openAthlete(athlete, pathname) {
        const picked = document.activeElement && document.activeElement.id === "athlete";
        if (!athlete || !picked || athleteOf(pathname) === athlete) return;
        const same = /^\/run\//.test(pathname) ? ["/runs"] : /\/(runs|stretches|balance|upload|plan|settings)(?=$|\/)/.exec(pathname);
        const page = same ? same[0] : "";
        window.dash_clientside.set_props("url", { pathname: `/athlete/${encodeURIComponent(athlete)}${page}` });
      },
    },
  });
})();
