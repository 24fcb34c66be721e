// The text of an element that holds a gzip file in base64. Nothing is requested from anywhere.
const unpack = async (element) => {
  const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
};

// Turning one density turns those beside it.
const followCameras = (plot) => {
  const scenes = Object.keys(plot._fullLayout).filter((key) => /^scene\d*$/.test(key));
  if (scenes.length < 2) return;
  let busy = false;
  const follow = (change) => {
    if (busy || !change) return;
    const source = scenes.find((scene) => change[scene + ".camera"]);
    if (!source) return;
    busy = true;
    const update = {};
    for (const scene of scenes) if (scene !== source) update[scene + ".camera"] = change[source + ".camera"];
    Plotly.relayout(plot, update).then(() => { busy = false; });
  };
  plot.on("plotly_relayouting", follow);
  plot.on("plotly_relayout", follow);
};

const draw = async () => {
  const script = document.createElement("script");
  script.textContent = await unpack(document.getElementById("plotly"));
  document.head.append(script);
  for (const element of document.querySelectorAll("script[data-plot]")) {
    const plot = document.getElementById(element.dataset.plot);
    const figure = JSON.parse(await unpack(element));
    await Plotly.newPlot(plot, figure.data, figure.layout, figure.config);
    if (figure.frames) await Plotly.addFrames(plot, figure.frames);
    followCameras(plot);
  }
};

addEventListener("load", () => {
  draw().catch((error) => {
    console.error(error);
    for (const plot of document.querySelectorAll(".interactive")) {
      plot.prepend("This browser cannot draw the figure: one of 2023 or later is needed.");
    }
  });
});
