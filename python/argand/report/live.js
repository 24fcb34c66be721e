// Pictures keep zoom, hidden lines and the chosen axis while a series grows.
const KEEP = "series";

const drawFigure = async (name, figure) => {
  const plot = document.getElementById("plot-" + name);
  const chosen = plot._fullLayout?.updatemenus?.[0]?.active ?? 0;
  figure.layout.uirevision = KEEP;
  await Plotly.react(plot, figure.data, figure.layout, figure.config);
  const button = figure.layout.updatemenus?.[0]?.buttons?.[chosen];
  if (chosen > 0 && button?.method === "update") {
    await Plotly.update(plot, ...button.args);
    await Plotly.relayout(plot, { "updatemenus[0].active": chosen });
  }
};

const showState = async () => {
  const state = await (await fetch("state.json", { cache: "no-store" })).json();
  for (const part of ["cards", "remarks", "table"]) document.getElementById(part).innerHTML = state[part];
  for (const [name, figure] of Object.entries(state.figures)) await drawFigure(name, figure);
  if (!hasEnded) say(state.words);
  document.body.dataset.files = state.files;
};

const say = (words) => {
  document.getElementById("state").textContent = words;
};

// Changes that come while the page is being drawn are drawn together afterwards.
let hasEnded = false;
let isDrawing = false;
let isOutdated = false;
const refresh = async () => {
  isOutdated = true;
  if (isDrawing) return;
  isDrawing = true;
  try {
    while (isOutdated) {
      isOutdated = false;
      await showState();
    }
  } catch (error) {
    if (!hasEnded) say(`The page could not be brought up to date: ${error.message}.`);
  } finally {
    isDrawing = false;
  }
};

addEventListener("load", () => {
  const events = new EventSource("events");
  events.onmessage = refresh;
  events.addEventListener("end", () => {
    events.close();
    hasEnded = true;
    say("The watch has ended; the report of the series has all files.");
  });
  events.onerror = () => {
    if (!hasEnded) say("argand does not answer at present.");
  };
});
