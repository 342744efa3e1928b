/** The picture with its classes over it, and the name of the class under the pointer. */

import { paint } from "./paint.js";

const MOST_PIXELS = 4e6; // a screen shows no more, and phones run out of memory for canvases
const element = (id) => document.getElementById(id);

export class Stage {
  #stage = element("stage");
  #picture = element("picture");
  #colours = element("colours");
  #tip = element("tip");
  #cross = element("cross");
  #says = element("says");
  #labels = null;
  #at = null;

  /**
   * @param {import("./palette.js").Palette} palette
   * @param {(id: number | null) => void} onPoint told the class id under the pointer
   */
  constructor(palette, onPoint) {
    this.palette = palette;
    this.onPoint = onPoint;
    const opacity = element("opacity");
    opacity.addEventListener("input", () => {
      opacity.nextElementSibling.value = `${opacity.value} %`;
      this.#colours.style.opacity = this.opacity;
    });
    this.#colours.style.opacity = this.opacity;
    for (const type of ["pointerdown", "pointermove"]) {
      this.#colours.addEventListener(type, (event) => this.#point(event));
    }
    this.#colours.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") this.#leave(); // a finger that is lifted leaves its answer to be read
    });
    this.#colours.addEventListener("keydown", (event) => this.#step(event));
    this.#colours.addEventListener("blur", () => this.#leave());
  }

  get opacity() {
    return element("opacity").value / 100;
  }

  /**
   * @param {ImageBitmap | HTMLCanvasElement | null} picture null where this browser cannot read the file
   * @param {import("./label_map.js").LabelMap} labels
   */
  show(picture, labels) {
    const resized = this.#labels?.width !== labels.width || this.#labels.height !== labels.height;
    this.#labels = labels;
    this.#stage.style.setProperty("--ratio", labels.width / labels.height);
    const shrink = Math.min(1, Math.sqrt(MOST_PIXELS / (labels.width * labels.height)));
    const canvas = this.#picture;
    if (resized) {
      canvas.width = Math.round(labels.width * shrink);
      canvas.height = Math.round(labels.height * shrink);
    }
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (picture) context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    this.repaint();
    if (resized) this.#leave();
    else if (this.#at) this.#name();
  }

  /** Draw the classes again, after a change of what is shown how. */
  repaint() {
    const step = Math.ceil(Math.sqrt(this.#labels.ids.length / MOST_PIXELS));
    paint(this.#colours, this.#labels, this.palette, step);
  }

  #point(event) {
    const box = this.#colours.getBoundingClientRect();
    const { width, height } = this.#labels;
    this.#move(((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height);
    this.#cross.hidden = event.pointerType === "mouse";
  }

  #step(event) {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!direction) return;
    event.preventDefault();
    const { width, height } = this.#labels;
    const stride = event.shiftKey ? 1 : Math.max(1, Math.round(Math.max(width, height) / 50));
    const { x, y } = this.#at ?? { x: width / 2, y: height / 2 };
    this.#move(x + direction[0] * stride, y + direction[1] * stride);
    this.#cross.hidden = false;
  }

  #move(x, y) {
    const { width, height } = this.#labels;
    const inside = (value, size) => Math.min(size - 1, Math.max(0, Math.floor(value)));
    this.#at = { x: inside(x, width), y: inside(y, height) };
    this.#name();
  }

  /** Name the class at the marked pixel. */
  #name() {
    const { width, height, ids } = this.#labels;
    const { x, y } = this.#at;
    const id = ids[y * width + x];
    const name = this.palette.name(id);
    const [left, top] = [(x + 0.5) / width, (y + 0.5) / height];
    for (const mark of [this.#tip, this.#cross]) {
      mark.style.left = `${100 * left}%`;
      mark.style.top = `${100 * top}%`;
    }
    this.#tip.classList.toggle("leftwards", left > 0.6);
    this.#tip.classList.toggle("below", top < 0.2);
    this.#tip.querySelector(".swatch").style.backgroundColor = this.palette.css(id);
    this.#tip.querySelector(".name").textContent = name;
    this.#tip.hidden = false;
    this.#says.textContent = `${name}, at column ${x}, row ${y}`;
    this.onPoint(id);
  }

  #leave() {
    this.#at = null;
    this.#tip.hidden = this.#cross.hidden = true;
    this.#says.textContent = "Point at the picture, or touch it, to name what is there.";
    this.onPoint(null);
  }
}
