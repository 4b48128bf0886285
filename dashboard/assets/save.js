/* Every chart as a picture: plotly draws it again on the card's ground, and the browser saves it. */
(function () {
  "use strict";

  async function save(button) {
    const plot = document.getElementById(button.dataset.chart).querySelector(".js-plotly-plot");
    const format = button.dataset.format;
    const ground = getComputedStyle(document.documentElement).getPropertyValue("--card").trim();
    const url = await window.Plotly.toImage(
      { data: plot.data, layout: { ...plot.layout, paper_bgcolor: ground } },
      { format, width: plot.offsetWidth, height: plot.offsetHeight, scale: format === "png" ? 2 : 1 }
    );
    const link = document.createElement("a");
    link.href = url;
    link.download = `surefoot-${button.dataset.chart}.${format}`;
    link.click();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-chart]");
    if (button) save(button);
  });
})();
