/* The page of a run in the browser: pointing at the profile shows the place on the track and the other way
   round, and a part of the profile is chosen by dragging or by buttons. The part is in the address. */
(function () {
  "use strict";

  const surefoot = window.dash_clientside.surefoot;
  const SMALLEST_KM = 0.05;
  const DRAGGED_PX = 8;
  const REACH_PX = 60;
  surefoot.unit = { km: 1, name: "km" }; // of what is shown; addresses are kilometres always
  let path = null;
  let drag = null;

  const byId = (id) => document.getElementById(id);
  const round = (km) => Number(km.toFixed(3));

  function plot(id) {
    const holder = byId(id);
    return holder && holder.querySelector(".js-plotly-plot");
  }

  /* The chart whose drawing area an event is over. */
  function chartOf(event) {
    const area = event.target.closest && event.target.closest(".nsewdrag");
    const holder = area && area.closest("#run-map, #run-profile");
    return holder && { id: holder.id, area: area.getBoundingClientRect() };
  }

  function kmAt(event, area) {
    return plot("run-profile")._fullLayout.xaxis.p2l(event.clientX - area.left) * surefoot.unit.km;
  }

  function nearestKm(km) {
    let low = 0;
    let high = path.distance_km.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (path.distance_km[middle] < km) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function nearestPlace(x, y, map) {
    const { xaxis, yaxis } = map._fullLayout;
    let best = -1;
    let least = REACH_PX ** 2;
    for (let i = 0; i < path.east_m.length; i++) {
      const away = (xaxis.l2p(path.east_m[i]) - x) ** 2 + (yaxis.l2p(path.north_m[i]) - y) ** 2;
      if (away < least) [best, least] = [i, away];
    }
    return best;
  }

  function mark(chart, className) {
    let found = chart.querySelector(`.${className}`);
    if (!found) {
      found = document.createElement("div");
      found.className = className;
      chart.appendChild(found);
    }
    return found;
  }

  function placeDot(at) {
    const map = plot("run-map");
    if (!map) return;
    const { xaxis, yaxis } = map._fullLayout;
    const x = xaxis._offset + xaxis.l2p(path.east_m[at]);
    const y = yaxis._offset + yaxis.l2p(path.north_m[at]);
    mark(map, "follow-dot").style.transform = `translate(${x}px, ${y}px)`;
  }

  function placeLine(km) {
    const profile = plot("run-profile");
    const { xaxis, _size } = profile._fullLayout;
    const line = mark(profile, "follow-line");
    const x = xaxis.l2p(km / surefoot.unit.km);
    line.hidden = x < 0 || x > xaxis._length;
    line.style.transform = `translate(${xaxis._offset + x}px, ${_size.t}px)`;
    line.style.height = `${_size.h}px`;
  }

  document.addEventListener("mousemove", (event) => {
    if (!path || !path.distance_km.length || !plot("run-profile")) return;
    const over = chartOf(event);
    if (!over) return mark(plot("run-profile"), "follow-line").toggleAttribute("hidden", true);
    if (over.id === "run-profile") {
      const km = kmAt(event, over.area);
      placeDot(nearestKm(km));
      placeLine(km);
    } else {
      const at = nearestPlace(event.clientX - over.area.left, event.clientY - over.area.top, plot("run-map"));
      if (at < 0) return;
      placeDot(at);
      placeLine(path.distance_km[at]);
      window.Plotly.Fx.hover(plot("run-profile"), { xval: path.distance_km[at] / surefoot.unit.km }, Object.keys(plot("run-profile")._fullLayout._plots));
    }
  });

  /* Dragging with a mouse; a finger scrolls the page. */
  document.addEventListener("mousedown", (event) => {
    const over = event.button === 0 && chartOf(event);
    if (over && over.id === "run-profile") drag = { x: event.clientX, area: over.area };
  });

  document.addEventListener("mousemove", (event) => {
    if (!drag) return;
    const { area } = drag;
    const [left, right] = [drag.x, event.clientX].sort((a, b) => a - b).map((x) => Math.min(Math.max(x, area.left), area.right));
    const profile = plot("run-profile");
    const box = mark(profile, "follow-part");
    box.hidden = right - left < DRAGGED_PX;
    box.style.transform = `translate(${left - profile.getBoundingClientRect().left}px, ${profile._fullLayout._size.t}px)`;
    Object.assign(box.style, { width: `${right - left}px`, height: `${profile._fullLayout._size.h}px` });
  });

  document.addEventListener("mouseup", (event) => {
    if (!drag) return;
    const { x, area } = drag;
    drag = null;
    const box = byId("run-profile").querySelector(".follow-part");
    if (box) box.hidden = true;
    if (Math.abs(event.clientX - x) >= DRAGGED_PX) show(...[x, event.clientX].sort((a, b) => a - b).map((at) => kmAt({ clientX: at }, area)));
  });

  /* Put a part of the run into the address, all of it where it is as long as the run. */
  function show(from, to) {
    const end = Number(byId("run-part").dataset.end);
    const wide = Math.min(Math.max(to - from, SMALLEST_KM), end);
    const start = Math.min(Math.max(from, 0), end - wide);
    const search = wide >= end ? "" : `?km=${round(start)}-${round(start + wide)}`;
    window.dash_clientside.set_props("url", { search });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#run-part button");
    if (!button) return;
    const part = byId("run-part").dataset;
    const [from, to] = [Number(part.from), Number(part.to)];
    const wide = to - from;
    const next = {
      closer: [from + wide / 4, to - wide / 4],
      wider: [from - wide / 2, to + wide / 2],
      earlier: [from - wide / 2, to - wide / 2],
      later: [from + wide / 2, to + wide / 2],
      whole: [0, Infinity],
    };
    show(...next[button.dataset.part]);
  });

  /* Which part is shown, for the buttons and in words. */
  surefoot.showPart = (part) => {
    if (!part) return window.dash_clientside.no_update;
    const [from, to, end, unitKm, unit] = part;
    surefoot.unit = { km: unitKm, name: unit };
    document.querySelectorAll("#run-body .unit").forEach((name) => (name.textContent = unit));
    Object.assign(byId("run-part").dataset, { from, to, end });
    const isWhole = from <= 0 && to >= end;
    byId("run-part").querySelectorAll("button").forEach((button) => {
      const needless = { wider: isWhole, whole: isWhole, earlier: from <= 0, later: to >= end, closer: to - from <= SMALLEST_KM };
      button.disabled = Boolean(needless[button.dataset.part]);
    });
    const long = (km) => (km / unitKm).toFixed(to - from < 1 ? 2 : 1);
    return isWhole ? "The whole run" : `${long(from)} to ${long(to)} of ${(end / unitKm).toFixed(1)} ${unit}`;
  };

  surefoot.showRun = (shown, run) => {
    path = shown && shown.path;
    if (!shown) return;
    byId("mark-stretch").replaceChildren(...shown.stretches.map(([text, value]) => new Option(text, value)));
    surefoot.showMarks(shown.marks, shown.athlete, run);
  };
})();
