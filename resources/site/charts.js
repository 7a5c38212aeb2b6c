/* Interactive figures: Vega-Lite charts whose data come as scripts, for a page opened from a file cannot fetch. */
"use strict";

window.latentome = { charts: {}, views: new Map() };

(function () {
  const loaded = new Map();
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const MOST_FOUND = 12;

  function script(source) {
    if (!loaded.has(source)) {
      loaded.set(source, new Promise((resolve, reject) => {
        const element = document.createElement("script");
        element.src = source;
        element.onload = resolve;
        element.onerror = () => reject(new Error(`${source} cannot be loaded`));
        document.head.append(element);
      }));
    }
    return loaded.get(source);
  }

  /* Columns, text among them as levels and codes, to the rows that Vega takes. */
  function rows(columns) {
    const names = Object.keys(columns);
    const cells = names.map((name) => {
      const packed = columns[name];
      return Array.isArray(packed) ? packed : packed.codes.map((code) => (code < 0 ? "" : packed.levels[code]));
    });
    return Array.from({ length: cells.length ? cells[0].length : 0 }, (_, place) => {
      const row = {};
      names.forEach((name, column) => { row[name] = cells[column][place]; });
      return row;
    });
  }

  function config(width) {
    const style = getComputedStyle(document.documentElement);
    const [ink, soft, line] = ["--ink", "--soft", "--line"].map((name) => style.getPropertyValue(name).trim());
    const font = getComputedStyle(document.querySelector(".controls")).fontFamily;
    const text = { labelColor: soft, titleColor: ink, labelFont: font, titleFont: font, labelFontSize: 12, titleFontSize: 12.5, titleFontWeight: "normal" };
    return {
      ink,
      config: {
        background: null,
        font,
        axis: { ...text, domainColor: soft, tickColor: soft, gridColor: line, gridOpacity: 0.6, labelOverlap: true, tickCount: width < 480 ? 5 : 8, titlePadding: 8 },
        legend: { ...text, orient: "bottom", columns: Math.max(1, Math.floor((width - 70) / 215)), symbolOpacity: 1, symbolSize: 70, rowPadding: 4 },
        text: { color: ink, font, fontSize: 12 },
        view: { stroke: null },
      },
    };
  }

  /* The palette's blues, apart from each other and from a dark ground. */
  const onDark = { "#0072B2": "#2f8fd0", "#56B4E9": "#a5daf7" };

  function inScheme(spec) {
    if (!dark.matches || window.matchMedia("print").matches) return spec;
    return JSON.parse(JSON.stringify(spec).replace(/#0072B2|#56B4E9/g, (colour) => onDark[colour]));
  }

  function measured(chart, spec, size) {
    const width = Math.max(Math.min(chart.clientWidth, size.most), size.least || 0);
    const height = size.aspect ? width * size.aspect : Math.min(size.height, Math.max(width * 0.9, 300));
    const look = config(width);
    const whole = { ...spec, width, height, config: { ...spec.config, ...look.config } };
    // A map fills its area and has its legend below; axes and titles share the width with the points.
    whole.autosize = size.aspect ? { type: "pad" } : { type: "fit-x", contains: "padding" };
    if (size.aspect) whole.padding = 0;
    const values = { ink: look.ink };
    if (size.fill) values.spot = Math.max(3, (size.fill * width * height) / size.spots);
    else if (size.spots) values.spot = width < 480 ? size.spots * 0.6 : size.spots;
    whole.params = (spec.params || []).map((param) => (param.name in values ? { ...param, value: values[param.name] } : param));
    return whole;
  }

  function explore(section) {
    const chart = section.querySelector(".chart");
    const found = section.querySelector(".found");
    const variant = section.querySelector("[data-variant]");
    const search = section.querySelector("[data-search]");
    const inputs = section.querySelectorAll("[data-signal]");
    let view = null, value = null, tables = null, width = 0, turn = 0;

    const of = (input) => (input.type === "range" ? Number(input.value) : input.value);
    const has = (name) => (value.spec.params || []).some((param) => param.name === name);

    function matches() {
      const asked = search ? search.value.trim().toLowerCase() : "";
      if (!asked) return { asked, hits: [] };
      const all = tables.nodes || tables.points;
      const text = (row) => [String(row.name).toLowerCase(), String(row.id).toLowerCase()];
      const exact = all.filter((row) => text(row).includes(asked));
      return { asked, hits: exact.length ? exact : all.filter((row) => text(row).some((one) => one.includes(asked))) };
    }

    function tell({ asked, hits }, ids) {
      found.replaceChildren();
      found.removeAttribute("tabindex");
      if (!asked) return;
      const line = document.createElement("p");
      const number = new Set(hits.map((row) => row.id)).size;
      line.textContent = number ? `${number} found for “${search.value.trim()}”${number > ids.length ? `; the first ${ids.length} are marked` : ""}.` : `Nothing found for “${search.value.trim()}”.`;
      found.append(line);
      if (!number) return;
      const table = document.createElement("table");
      const head = table.createTHead().insertRow();
      for (const name of Object.keys(value.found)) {
        const cell = document.createElement("th");
        cell.scope = "col";
        cell.textContent = name;
        head.append(cell);
      }
      const body = table.createTBody();
      for (const row of hits.filter((one) => ids.includes(one.id))) {
        const tr = body.insertRow();
        for (const column of Object.values(value.found)) {
          const shown = row[column];
          tr.insertCell().textContent = typeof shown === "number" ? shown.toPrecision(3).replace("-", "\u2212") : shown;
        }
      }
      found.append(table);
      // A narrow page scrolls it sideways, and the keyboard must reach what scrolls.
      found.tabIndex = found.scrollWidth > found.clientWidth ? 0 : -1;
    }

    function searched() {
      const result = matches();
      const ids = Array.from(new Set(result.hits.map((row) => row.id))).slice(0, MOST_FOUND);
      tell(result, ids);
      view.signal(search.dataset.search, ids).runAsync();
    }

    function signals() {
      for (const input of inputs) if (has(input.dataset.signal)) view.signal(input.dataset.signal, of(input));
      if (search) searched();
      return view.runAsync();
    }

    async function draw() {
      const mine = ++turn;
      const file = variant ? variant.value : chart.dataset.file;
      try {
        await Promise.all([script("vega.js"), script(file)]);
        if (mine !== turn) return;
        value = window.latentome.charts[file];
        tables = Object.fromEntries(Object.entries(value.data).map(([name, columns]) => [name, rows(columns)]));
        if (view) view.finalize();
        width = chart.clientWidth;
        const spec = { ...measured(chart, inScheme(value.spec), value.size), datasets: { ...value.spec.datasets, ...tables }, description: chart.dataset.title };
        const many = Object.values(tables).some((table) => table.length > 400);
        chart.replaceChildren();
        const made = await window.vegaEmbed(chart, spec, { actions: false, renderer: many ? "canvas" : "svg", ast: true, logLevel: 1 });
        if (mine !== turn) { made.finalize(); return; }
        view = made.view;
        window.latentome.views.set(section.id, view);
        await signals();
        section.dataset.drawn = file;
      } catch (problem) {
        const line = document.createElement("p");
        line.className = "failed";
        line.textContent = "This chart cannot be drawn here; the static figure below shows the same.";
        chart.replaceChildren(line);
        console.error(problem);
      }
    }

    for (const input of inputs) {
      input.addEventListener("input", () => { if (view && has(input.dataset.signal)) view.signal(input.dataset.signal, of(input)).runAsync(); });
    }
    if (search) search.addEventListener("input", () => { if (view) searched(); });
    if (variant) variant.addEventListener("change", draw);
    dark.addEventListener("change", () => { if (view) draw(); });
    let waiting = 0;
    new ResizeObserver(() => {
      if (!view || chart.clientWidth === width) return;
      clearTimeout(waiting);
      waiting = setTimeout(draw, 150);
    }).observe(chart);
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      draw();
    }, { rootMargin: "400px" }).observe(chart);
  }

  document.querySelectorAll(".explore").forEach(explore);
})();
