/* Before all other scripts: the first answers are asked for while those are read, and Dash is handed what stands in
   the page already, its charts filled. What Dash asks otherwise goes to the server as ever. */
(function () {
  "use strict";

  const KEPT_MS = 10000;
  const PHONE = "(max-width: 600px)";
  const DRAWN = ["figure", "hidden", "style"];
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

  const parts = {};
  const findParts = (component) => {
    if (Array.isArray(component)) component.forEach(findParts);
    else if (component && component.props) {
      if (component.props.id) parts[component.props.id] = component.props;
      findParts(component.props.children);
    }
  };
  findParts(layout);
  Object.assign(parts.url, { pathname: location.pathname, search: location.search });

  const json = (content) => new Response(JSON.stringify(content), { headers: { "Content-Type": "application/json" } });
  /* A chart's first figure goes into the layout: drawn empty first, it would be drawn twice. */
  async function fill(answer) {
    const answered = await answer;
    if (answered.status !== 200) return answered;
    const content = await answered.json();
    for (const [id, props] of Object.entries(content.response)) {
      for (const name of DRAWN.filter((one) => one in props && id in parts)) {
        parts[id][name] = props[name];
        delete props[name];
      }
    }
    return json(content);
  }

  const values = (given) => given.map(({ id, property, value }) => `${id}.${property}=${JSON.stringify(value ?? null)}`);
  const nameOf = ({ output, inputs, state }) => [output, ...values(inputs), ...values(state || [])].join("\n");
  const answers = new Map();
  const charts = [];
  for (const question of questions) {
    for (const one of [...question.inputs, ...question.state]) one.value = known[`${one.id}.${one.property}`] ?? one.value;
    const sent = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) };
    const hasChart = question.output.includes(".figure");
    const answer = hasChart ? fill(ask(UPDATE, sent)) : ask(UPDATE, sent);
    const heard = answer.catch(() => {}); // who asks for it hears of it
    if (hasChart) charts.push(heard);
    answers.set(nameOf(question), answer);
  }
  window.addEventListener("load", () => setTimeout(() => answers.clear(), KEPT_MS));

  const given = {
    "/_dash-layout": () => Promise.all(charts).then(() => json(layout)),
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
    if (question.output.startsWith("..page.")) return Promise.all([ask(address, settings), loadGrid()]).then(([answer]) => answer);
    const name = nameOf(question);
    const answer = answers.get(name);
    answers.delete(name);
    return answer || ask(address, settings);
  };
})();
