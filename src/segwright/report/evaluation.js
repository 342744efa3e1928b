const { classes, counts, pictures, shown } = JSON.parse(document.getElementById("values").textContent);
const element = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`;
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Order of two values, numbers or words; what is missing comes last, whichever way one sorts. */
function compare(a, b, sign) {
  if (a == null || b == null) return (a == null) - (b == null);
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
}

/** Note in a table's head which column it is sorted by; returns 1 for ascending, -1 for descending. */
function turn(head) {
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
  return sign;
}

// Tables whose rows stand in the page: each head becomes a button.
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const sign = turn(head);
      const value = (row) => (row.cells[column].dataset.value === undefined ? null : Number(row.cells[column].dataset.value));
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort((a, b) => compare(value(a), value(b), sign)));
    });
  });
}

// The confusion matrix.
{
  const canvas = element("matrix");
  const says = element("matrix-says");
  const size = classes.length;
  const labelled = size <= 40;
  const rowSums = counts.map(sum);
  const columnSums = counts.map((_, column) => sum(counts.map((row) => row[column])));
  let chosen = null;
  let cell, left, top;

  const ofTrue = () => element("matrix-of").value === "true";
  const share = (row, column) => counts[row][column] / ((ofTrue() ? rowSums[row] : columnSums[column]) || 1);

  function fitted(context, text, width) {
    if (context.measureText(text).width <= width) return text;
    while (text && context.measureText(text + "…").width > width) text = text.slice(0, -1);
    return text + "…";
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const context = canvas.getContext("2d");
    const font = `12px ${colour("--sans")}`;
    context.font = font;
    const widest = Math.max(...classes.map((name) => context.measureText(name).width));
    const available = canvas.parentElement.clientWidth;
    left = labelled ? Math.min(widest, available < 500 ? 104 : 150) + 10 : 22;
    top = left;
    cell = Math.max(labelled ? 13 : 5, Math.min(60, Math.floor((available - left - 2) / size)));
    const extent = cell * size;
    const scale = window.devicePixelRatio || 1;
    canvas.style.width = `${left + extent + 2}px`;
    canvas.style.height = `${top + extent + 2}px`;
    canvas.width = (left + extent + 2) * scale;
    canvas.height = (top + extent + 2) * scale;
    context.scale(scale, scale);
    context.font = font;
    context.textBaseline = "middle";

    const gap = cell >= 12 ? 1 : 0;
    context.fillStyle = colour("--panel");
    context.fillRect(left, top, extent, extent);
    for (let row = 0; row < size; row += 1) {
      for (let column = 0; column < size; column += 1) {
        const value = share(row, column);
        if (value === 0) continue;
        const x = left + column * cell;
        const y = top + row * cell;
        context.globalAlpha = Math.min(1, 0.06 + 0.94 * Math.sqrt(value)); // so that rare mistakes can be seen
        context.fillStyle = colour(row === column ? "--accent" : "--wrong");
        context.fillRect(x, y, cell - gap, cell - gap);
        context.globalAlpha = 1;
        if (cell >= 30 && value >= 0.005) {
          context.fillStyle = colour(row === column && value > 0.4 ? "--paper" : "--ink");
          context.textAlign = "center";
          context.fillText((100 * value).toFixed(0), x + (cell - gap) / 2, y + (cell - gap) / 2 + 1);
        }
      }
    }

    context.fillStyle = colour("--soft");
    if (labelled) {
      classes.forEach((name, index) => {
        const middle = index * cell + cell / 2;
        const emphasised = (side) => colour(chosen && chosen[side] === index ? "--ink" : "--soft");
        context.fillStyle = emphasised(0);
        context.textAlign = "right";
        context.fillText(fitted(context, name, left - 10), left - 6, top + middle);
        context.save();
        context.fillStyle = emphasised(1);
        context.textAlign = "left";
        context.translate(left + middle, top - 6);
        context.rotate(-Math.PI / 2);
        context.fillText(fitted(context, name, top - 10), 0, 0);
        context.restore();
      });
    } else {
      context.textAlign = "left";
      context.fillText("predicted class →", left, top / 2);
      context.save();
      context.translate(left / 2, top);
      context.rotate(-Math.PI / 2);
      context.textAlign = "right";
      context.fillText("← true class", 0, 0);
      context.restore();
    }
    if (chosen) {
      const [row, column] = chosen;
      context.strokeStyle = colour("--ink");
      context.lineWidth = 1;
      if (!labelled) {
        context.globalAlpha = 0.35;
        context.strokeRect(left, top + row * cell, extent, cell);
        context.strokeRect(left + column * cell, top, cell, extent);
        context.globalAlpha = 1;
      }
      context.lineWidth = 2;
      context.strokeRect(left + column * cell, top + row * cell, Math.max(cell - gap, 4), Math.max(cell - gap, 4));
    }
  }

  function choose(row, column) {
    if (chosen && chosen[0] === row && chosen[1] === column) return;
    chosen = [row, column];
    const pixels = counts[row][column].toLocaleString("en");
    const whole = ofTrue() ? `pixels that are ${classes[row]}` : `pixels predicted as ${classes[column]}`;
    const what = row === column ? `${classes[row]} is recognised` : `${classes[row]} is taken for ${classes[column]}`;
    says.textContent = `${what}: ${percent(share(row, column))} of the ${whole} (${pixels}).`;
    draw();
  }

  function pointed(event) {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - left) / cell);
    const row = Math.floor((event.clientY - box.top - top) / cell);
    if (row >= 0 && column >= 0 && row < size && column < size) choose(row, column);
  }
  canvas.addEventListener("pointermove", pointed);
  canvas.addEventListener("pointerdown", pointed);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column] = chosen || [0, 0];
    const inside = (index) => Math.max(0, Math.min(size - 1, index));
    choose(inside(row + step[0]), inside(column + step[1]));
  });
  element("matrix-of").addEventListener("change", () => {
    const [row, column] = chosen || [];
    chosen = null;
    if (row === undefined) draw();
    else choose(row, column);
  });
  new ResizeObserver(draw).observe(canvas.parentElement); // also draws for the first time
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

// Pictures to look at.
element("fade")?.addEventListener("input", (event) => {
  for (const gallery of document.querySelectorAll(".gallery")) gallery.style.setProperty("--fade", event.target.value);
});
for (const panel of document.querySelectorAll(".row .panel")) {
  const enlarge = () => panel.closest(".row").classList.toggle("enlarged");
  panel.tabIndex = 0;
  panel.setAttribute("role", "button");
  panel.addEventListener("click", enlarge);
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    enlarge();
  });
}

// Confused pairs.
element("pairs-by")?.addEventListener("change", (event) => {
  const key = event.target.value === "pixels" ? "pixels" : "ofClass";
  const list = element("pair-list");
  list.append(...[...list.children].sort((a, b) => b.dataset[key] - a.dataset[key]));
});
element("pairs-class")?.addEventListener("change", (event) => {
  for (const pair of element("pair-list").children) {
    pair.hidden = event.target.value !== "" && ![pair.dataset.true, pair.dataset.predicted].includes(event.target.value);
  }
});

// The table of all pictures, which may be thousands: rows are made as they are asked for.
{
  const PAGE = 50;
  const inGallery = new Set(shown);
  const body = element("picture-table").tBodies[0];
  const state = { name: "", chosen: "", range: null, key: "score", sign: 1, limit: PAGE };
  pictures.forEach((picture, number) => {
    picture.number = number;
    const ious = Object.entries(picture.classes);
    const lowest = ious.reduce((worst, entry) => (worst === null || entry[1] < worst[1] ? entry : worst), null);
    picture.lowest = lowest && lowest[1];
    picture.lowestClass = lowest && lowest[0];
  });

  function cell(kind, ...content) {
    const made = document.createElement(kind);
    made.append(...content);
    return made;
  }

  function bar(value) {
    if (value == null) return cell("td", "n/a");
    const fill = document.createElement("span");
    fill.style.width = `${100 * value}%`;
    const track = document.createElement("span");
    track.className = "track";
    track.append(fill);
    return cell("td", track, value.toFixed(4));
  }

  function line(picture) {
    const name = cell("th");
    name.scope = "row";
    if (inGallery.has(picture.number)) {
      const link = document.createElement("a");
      link.href = `#picture-${picture.number}`;
      link.textContent = picture.name;
      name.append(link);
    } else {
      name.textContent = picture.name;
    }
    const least =
      state.chosen !== ""
        ? bar(picture.classes[state.chosen])
        : cell("td", picture.lowest === null ? "n/a" : `${classes[picture.lowestClass]} ${picture.lowest.toFixed(4)}`);
    return cell("tr", name, bar(picture.score), bar(picture.accuracy), least);
  }

  function value(picture) {
    return state.key === "lowest" && state.chosen !== "" ? picture.classes[state.chosen] : picture[state.key];
  }

  function inRange(score) {
    if (!state.range) return true;
    const [low, high] = state.range;
    return score !== null && score >= low && (score < high || (high === 1 && score === 1));
  }

  function update() {
    const found = pictures
      .filter((picture) => picture.name.toLowerCase().includes(state.name))
      .filter((picture) => state.chosen === "" || state.chosen in picture.classes)
      .filter((picture) => inRange(picture.score))
      .sort((a, b) => compare(value(a), value(b), state.sign) || a.number - b.number);
    body.replaceChildren(...found.slice(0, state.limit).map(line));
    element("picture-count").textContent = `${found.length} of ${pictures.length} pictures`;
    element("more").hidden = found.length <= state.limit;
    element("picture-table").querySelector("[data-key=lowest]").textContent =
      state.chosen === "" ? "Lowest class" : `IoU of ${classes[state.chosen]}`;
    const chip = element("filter-range");
    chip.hidden = !state.range;
    if (state.range) chip.textContent = `mIoU ${state.range[0].toFixed(2)} to ${state.range[1].toFixed(2)} ✕`;
    for (const drawn of document.querySelectorAll("#distribution .bar")) {
      drawn.classList.toggle("chosen", Boolean(state.range) && Number(drawn.dataset.low) === state.range[0]);
    }
  }

  function change(changes) {
    Object.assign(state, { limit: PAGE }, changes);
    update();
  }

  element("filter").addEventListener("submit", (event) => event.preventDefault());
  element("filter-name").addEventListener("input", (event) => change({ name: event.target.value.toLowerCase() }));
  element("filter-class").addEventListener("change", (event) => change({ chosen: event.target.value }));
  element("filter-range").addEventListener("click", () => change({ range: null }));
  element("more").addEventListener("click", () => change({ limit: state.limit + PAGE }));
  for (const button of element("picture-table").querySelectorAll("th button")) {
    button.addEventListener("click", () => change({ key: button.dataset.key, sign: turn(button.parentElement) }));
  }
  for (const drawn of document.querySelectorAll("#distribution .bar")) {
    drawn.addEventListener("click", () => {
      change({ range: [Number(drawn.dataset.low), Number(drawn.dataset.high)] });
      element("pictures").scrollIntoView();
    });
  }
  element("picture-table").querySelector("[data-key=score]").parentElement.setAttribute("aria-sort", "ascending");
  update();
}
