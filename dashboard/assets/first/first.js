/* Before all other scripts: the first answers are asked for while those are read, and Dash is handed what stands in
   the page already, its charts filled. What Dash asks otherwise goes to the server as ever. */
(function () {
  "use strict";

  const KEPT_MS = 10000;
  const PHONE = "(max-width: 600px)";
  const UPDATE = "/_dash-update-component";
  const { layout, callbacks, questions, grid } = JSON.parse(document.getElementById("first").textContent);
  const ask = window.fetch.bind(window);

  /* As Mantine chooses, and as assets/app.js tells the server. */
  const chosen = localStorage.getItem("mantine-color-scheme-value");
  const isDark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  const scheme = isDark ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
  const known = {
    "url.pathname": location.pathname,
    "url.search": location.search,
    "colours.data": scheme + (matchMedia(PHONE).matches ? " narrow" : ""),
  };

  const partsOf = (component, found = {}) => {
    if (Array.isArray(component)) component.forEach((one) => partsOf(one, found));
    else if (component && component.props) {
      if (component.props.id) found[component.props.id] = component.props;
      partsOf(component.props.children, found);
    }
    return found;
  };
  /* The frame is drawn while the page's answers are on their way. */
  const frame = partsOf(layout);
  const page = { page: { children: frame.page.children }, "page-title": { data: frame["page-title"].data } };
  const parts = partsOf(frame.page.children);
  Object.assign(frame.url, { pathname: location.pathname, search: location.search });
  frame.colours.data = known["colours.data"];
  frame.page.children = null;

  const json = (content) => new Response(JSON.stringify(content), { headers: { "Content-Type": "application/json" } });
  const heard = new Set(callbacks.flatMap(({ inputs }) => inputs.map(({ id, property }) => `${id}.${property}`)));
  /* What no callback waits for goes into the page: drawn empty first, it would be drawn twice. */
  async function fill(answer) {
    const answered = await answer;
    if (answered.status !== 200) return answered;
    const content = await answered.json();
    for (const [id, props] of Object.entries(content.response)) {
      for (const name of Object.keys(props).filter((one) => id in parts && !heard.has(`${id}.${one}`))) {
        parts[id][name] = props[name];
        delete props[name];
      }
    }
    return json(content);
  }

  const values = (given) => given.map(({ id, property, value }) => `${id}.${property}=${JSON.stringify(value ?? null)}`);
  const nameOf = ({ output, inputs, state }) => [output, ...values(inputs), ...values(state || [])].join("\n");
  const isPage = ({ output }) => output.startsWith("..page.");
  const answers = new Map();
  for (const question of questions) {
    for (const one of [...question.inputs, ...question.state]) one.value = known[`${one.id}.${one.property}`] ?? one.value;
    if (isPage(question)) continue;
    const sent = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) };
    answers.set(nameOf(question), fill(ask(UPDATE, { ...sent, signal: AbortSignal.timeout(KEPT_MS) })));
  }
  const filled = Promise.allSettled(answers.values()).then(() => json({ multi: true, response: page }));
  answers.set(nameOf(questions.find(isPage)), filled);
  window.addEventListener("load", () => setTimeout(() => answers.clear(), KEPT_MS));

  const given = {
    "/_dash-layout": () => Promise.resolve(json(layout)),
    "/_dash-dependencies": () => Promise.resolve(json(callbacks)),
  };
  /* A page that is opened from this one may have a grid, whose script is here before the page is. */
  let gridLoading = null;
  const loadGrid = () =>
    (gridLoading ??= new Promise((done, fail) => {
      if (window.dash_ag_grid) return done();
      document.head.append(Object.assign(document.createElement("script"), { src: grid, onload: done, onerror: fail }));
    }));
  window.addEventListener("load", () => setTimeout(() => loadGrid().catch(() => {}), KEPT_MS / 5));

  window.fetch = (address, settings) => {
    const path = new URL(address, location.href).pathname;
    if (path in given) {
      const answer = given[path]();
      delete given[path];
      return answer;
    }
    if (path !== UPDATE) return ask(address, settings);
    const question = JSON.parse(settings.body);
    const name = nameOf(question);
    const answer = answers.get(name);
    answers.delete(name);
    if (answer) return answer.catch(() => ask(address, settings));
    if (!isPage(question)) return ask(address, settings);
    return Promise.all([ask(address, settings), loadGrid()]).then(([asked]) => asked);
  };
})();
