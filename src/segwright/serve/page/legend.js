/** The list of classes: how much of the picture each has, which are hidden, which one is picked out. */

const element = (id) => document.getElementById(id);

/** 0.0734 -> "7.3 %"; what is there but rounds to nothing says so. */
export function percent(share) {
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}

export class Legend {
  #present = element("present");
  #absent = element("absent");
  #showAll = element("show-all");
  #rows = new Map();

  /**
   * @param {import("./palette.js").Palette} palette whose hidden and picked classes the reader changes here
   * @param {() => void} onChange told when they did
   */
  constructor(palette, onChange) {
    this.palette = palette;
    this.onChange = onChange;
    this.#showAll.addEventListener("click", () => {
      palette.reset();
      this.#changed();
      this.#present.querySelector("button")?.focus();
    });
  }

  /** Forget the rows: other classes come. */
  clear() {
    this.#rows.clear();
    this.#present.replaceChildren();
  }

  /**
   * @param {Uint32Array} counts pixels of each id
   * @param {number} total pixels of the picture
   * @param {boolean} sorted false keeps the order, so that rows stay under the pointer while a video runs
   */
  show(counts, total, sorted) {
    const found = [...counts.keys()].filter((id) => counts[id] > 0);
    if (sorted) {
      found.sort((a, b) => counts[b] - counts[a]);
      this.clear();
    }
    for (const id of found) {
      if (this.#rows.has(id)) continue;
      this.#rows.set(id, this.#row(id));
      this.#present.append(this.#rows.get(id));
    }
    for (const [id, row] of this.#rows) {
      row.querySelector(".share").textContent = percent(counts[id] / total);
      row.querySelector(".track span").style.width = `${(100 * counts[id]) / total}%`;
    }
    this.#listAbsent();
    this.#mark();
  }

  /** The list in words, for who cannot see it. */
  get summary() {
    const rows = [...this.#present.children];
    const part = (row, kind) => row.querySelector(kind).textContent;
    return rows.map((row) => `${part(row, ".name")} ${part(row, ".share")}`).join(", ");
  }

  /** Mark the row of the class under the pointer. */
  point(id) {
    for (const [other, row] of this.#rows) row.classList.toggle("pointed", other === id);
  }

  #row(id) {
    const row = element("entry").content.cloneNode(true).firstElementChild;
    const [pick, eye] = row.querySelectorAll("button");
    const name = this.palette.name(id);
    row.querySelector(".name").textContent = name;
    row.querySelectorAll(".swatch, .track span").forEach((part) => (part.style.backgroundColor = this.palette.css(id)));
    pick.title = `Pick out ${name}`;
    eye.title = `Hide ${name}`;
    eye.setAttribute("aria-label", eye.title);
    pick.addEventListener("click", () => {
      this.palette.picked = this.palette.picked === id ? null : id;
      this.palette.hidden.delete(id);
      this.#changed();
    });
    eye.addEventListener("click", () => {
      if (!this.palette.hidden.delete(id)) this.palette.hidden.add(id);
      if (this.palette.picked === id) this.palette.picked = null;
      this.#changed();
    });
    return row;
  }

  #changed() {
    this.#mark();
    this.onChange();
  }

  #mark() {
    for (const [id, row] of this.#rows) {
      const hidden = this.palette.hidden.has(id);
      row.classList.toggle("hidden", hidden);
      row.querySelector(".pick").setAttribute("aria-pressed", this.palette.picked === id);
      row.querySelector(".eye").setAttribute("aria-pressed", hidden);
    }
    this.#showAll.hidden = !this.palette.altered;
  }

  #listAbsent() {
    const ids = this.palette.ids.filter((id) => !this.#rows.has(id));
    this.#absent.hidden = ids.length === 0;
    this.#absent.querySelector("summary").textContent = `${ids.length} not in this picture`;
    this.#absent.querySelector("ul").replaceChildren(
      ...ids.map((id) => {
        const item = document.createElement("li");
        const swatch = document.createElement("span");
        swatch.className = "swatch";
        swatch.style.backgroundColor = this.palette.css(id);
        item.append(swatch, this.palette.name(id));
        return item;
      }),
    );
  }
}
