/** `deploy.yaml`: everything that running an exported model takes, beside the model file. */

import { YAML11_SCHEMA, load as parseYaml } from "js-yaml";

import { SegwrightError, words } from "./errors.js";

const SCHEMA = 2; // 1 knew ONNX files in float32 only
const AGREEMENT = 0.999; // of labels, where a test picture names no other share
const OUTPUT_OPS = ["argmax", "softmax", "none"];
const PRECISIONS = ["fp32", "fp16", "int8"];

/** @typedef {import("../types/index.js").Manifest} Manifest */

/**
 * Read and check a deploy.yaml.
 * @param {string} text
 * @param {string} where its address, to begin messages with
 * @returns {Manifest}
 */
export function parseManifest(text, where) {
  const content = loaded(text, where);
  const damaged = (reason) => new SegwrightError(`${where} was edited or damaged (${reason}); export again.`);
  const block = content.Deploy;
  const first = content.schema === 1;
  const need = (holder, key, is, what) => {
    if (!is(holder?.[key])) throw damaged(`${key} is to be ${what}, not ${JSON.stringify(holder?.[key])}`);
    return holder[key];
  };
  const oneOf = (key, allowed) => need(block, key, (value) => allowed.includes(value), allowed.join(" or "));

  const format = first ? "onnx" : oneOf("format", ["onnx", "openvino", "torch", "executorch"]);
  if (format !== "onnx") {
    throw new SegwrightError(
      `${where} describes a model in the format ${format}, which browsers do not run: export again with --format onnx.`,
    );
  }
  const manifest = {
    model: need(block, "model", isText, "a file's name"),
    precision: first ? "fp32" : oneOf("precision", PRECISIONS),
    pictureInput: first ? false : need(block, "picture_input", isBoolean, "true or false"),
    transforms: need(block, "transforms", listOf(isMapping), "a list of transforms"),
    toRgb: need(block, "to_rgb", isBoolean, "true or false"),
    channels: need(block, "img_channels", Number.isInteger, "a whole number"),
    inputShape: need(
      block,
      "input_shape",
      (shape) => listOf(Number.isInteger)(shape) && shape.length === 4,
      "four numbers",
    ),
    outputOp: oneOf("output_op", OUTPUT_OPS),
    numClasses: need(block, "num_classes", Number.isInteger, "a whole number"),
    labels: block.labels === null ? null : need(block, "labels", Array.isArray, "a list of names").map(String),
    palette: need(block, "palette", listOf(isColour), "a list of [red, green, blue], each 0 to 255"),
    files: new Map(
      need(content, "files", listOf(isMapping), "a list of files").map((file) => [
        need(file, "path", isText, "a file's name"),
        String(file.sha256),
      ]),
    ),
    selftest: need(content, "selftest", listOf(isMapping), "a list of test pictures").map((test) => ({
      image: need(test, "image", isText, "a file's name"),
      mask: need(test, "mask", isText, "a file's name"),
      agreement: need({ agreement: AGREEMENT, ...test }, "agreement", Number.isFinite, "a number"),
    })),
    writtenBy: String(content.segwright),
  };
  for (const name of [
    manifest.model,
    ...manifest.files.keys(),
    ...manifest.selftest.flatMap((t) => [t.image, t.mask]),
  ]) {
    refuseForeign(name, where);
    if (!manifest.files.has(name)) throw damaged(`it names ${name} but holds no checksum of it`);
  }
  return manifest;
}

const isText = (value) => typeof value === "string" && value !== "";
const isBoolean = (value) => typeof value === "boolean";
const isMapping = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const listOf = (is) => (value) => Array.isArray(value) && value.every(is);
const isColour = (value) =>
  listOf((part) => Number.isInteger(part) && part >= 0 && part <= 255)(value) && value.length === 3;

/** The YAML, its layout's version checked. */
function loaded(text, where) {
  let content;
  try {
    content = parseYaml(text, { schema: YAML11_SCHEMA }); // as Python's writer has it
  } catch (error) {
    throw new SegwrightError(`${where} cannot be read: ${words(error).split("\n")[0]}.`);
  }
  if (!isMapping(content) || !isMapping(content.Deploy)) {
    throw new SegwrightError(`${where} is not the deploy.yaml of an exported model: it has no 'Deploy:' block.`);
  }
  const { schema, Deploy } = content;
  if (schema === undefined && /\.(pdmodel|json)$/.test(Deploy.model)) {
    throw new SegwrightError(
      `${where} describes a model that PaddleSeg exported, which only Paddle Inference runs; make one for segwright ` +
        "from the same weights: segwright export --config CONFIG --model_path model.pdparams",
    );
  }
  if (!Number.isInteger(schema) || schema < 1) {
    throw new SegwrightError(
      `${where} has no valid 'schema' (a whole number), so its layout is unknown; export again.`,
    );
  }
  if (schema > SCHEMA) {
    throw new SegwrightError(
      `${where} has layout ${schema}, written by segwright ${content.segwright ?? "of unknown version"}, but this ` +
        `page reads layouts up to ${SCHEMA}: use a newer segwright-web, or export with the segwright of this one.`,
    );
  }
  return content;
}

/** Fail unless `name` is a plain relative path that stays in the bundle, by the rules of any system. */
function refuseForeign(name, where) {
  const parts = name.split(/[/\\]/);
  if (name.includes("\0") || parts[0] === "" || /^[A-Za-z]:/.test(name) || parts.includes("..")) {
    throw new SegwrightError(
      `${where} names the file ${JSON.stringify(name)}: only files inside its own folder are allowed.`,
    );
  }
}
