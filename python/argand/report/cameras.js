// Turning one density turns those beside it.
addEventListener("load", () => {
  for (const plot of document.querySelectorAll(".interactive .js-plotly-plot")) {
    const scenes = Object.keys(plot._fullLayout).filter((key) => /^scene\d*$/.test(key));
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
  }
});
