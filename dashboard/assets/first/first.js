/* Before all other scripts: the first answers are asked for while those are read, and Dash is handed what stands in
   the page already. What Dash asks otherwise goes to the server as ever. */
(function () {
  "use strict";

  const KEPT_MS = 10000;
  const PHONE = "(max-width: 600px)";
  const { layout, callbacks, questions } = JSON.parse(document.getElementById("first").textContent);
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

  const parts = (component, found) => {
    if (Array.isArray(component)) component.forEach((one) => parts(one, found));
    else if (component && component.props) {
      if (component.props.id) found[component.props.id] = component.props;
      parts(component.props.children, found);
    }
    return found;
  };
  const byId = parts(layout, {});
  Object.assign(byId.url, { pathname: location.pathname, search: location.search });

  const values = (given) => given.map(({ id, property, value }) => `${id}.${property}=${JSON.stringify(value ?? null)}`);
  const nameOf = ({ output, inputs, state }) => [output, ...values(inputs), ...values(state || [])].join("\n");
  const answers = new Map();
  for (const question of questions) {
    for (const one of [...question.inputs, ...question.state]) one.value = known[`${one.id}.${one.property}`] ?? one.value;
    const sent = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) };
    const answer = ask("/_dash-update-component", sent);
    answer.catch(() => {}); // who asks for it hears of it
    answers.set(nameOf(question), answer);
  }
  window.addEventListener("load", () => setTimeout(() => answers.clear(), KEPT_MS));

  const told = (content) => Promise.resolve(new Response(JSON.stringify(content), { headers: { "Content-Type": "application/json" } }));
  const given = { "/_dash-layout": layout, "/_dash-dependencies": callbacks };
  window.fetch = (address, settings) => {
    const path = new URL(address, location.href).pathname;
    if (path in given) {
      const content = given[path];
      delete given[path];
      return told(content);
    }
    if (path !== "/_dash-update-component" || !answers.size) return ask(address, settings);
    const name = nameOf(JSON.parse(settings.body));
    const answer = answers.get(name);
    answers.delete(name);
    return answer || ask(address, settings);
  };
})();
