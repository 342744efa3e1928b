/** Names and colours of the classes, and which of them the reader has hidden or picked out. */

const DIM = [0, 0, 0, 120]; // over what is not picked out

export class Palette {
  #classes = new Map();
  #file = new Uint8Array();
  hidden = new Set();
  picked = null;

  /** Take a model's classes; what was hidden or picked of another model's means nothing any more. */
  use(classes) {
    this.#classes = new Map(classes.map((entry) => [entry.id, entry]));
    this.reset();
  }

  /** Colours in the label map itself, for ids that the model does not name. */
  useFile(palette) {
    this.#file = palette;
  }

  reset() {
    this.hidden.clear();
    this.picked = null;
  }

  get ids() {
    return [...this.#classes.keys()];
  }

  get altered() {
    return this.picked !== null || this.hidden.size > 0;
  }

  name(id) {
    return this.#classes.get(id)?.name ?? `class ${id}`;
  }

  /** @returns {number[]} R, G, B from 0 to 255 */
  colour(id) {
    const colour = this.#classes.get(id)?.color;
    if (colour) return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const listed = this.#file.subarray(3 * id, 3 * id + 3);
    return listed.length === 3 ? [...listed] : [id, id, id];
  }

  css(id) {
    return `rgb(${this.colour(id).join(" ")})`;
  }

  /** How pixels of a class are drawn now. @returns {number[]} R, G, B, A from 0 to 255 */
  drawn(id) {
    if (this.hidden.has(id)) return [0, 0, 0, 0];
    if (this.picked !== null && this.picked !== id) return DIM;
    return [...this.colour(id), 255];
  }
}
