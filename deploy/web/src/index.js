/** Segmentation in the browser, with models that `segwright export --format onnx` has written. */

export { SegwrightError } from "./errors.js";
export { overlay } from "./overlay.js";
export { Predictor, load } from "./predictor.js";
