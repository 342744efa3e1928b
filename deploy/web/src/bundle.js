/** The files of an export: from a folder on a server, or from files that a person chose. */

import { SegwrightError, words } from "./errors.js";

const MANIFEST_NAME = "deploy.yaml";

/**
 * @typedef {object} Bundle
 * @property {string} where the deploy.yaml is, for messages
 * @property {() => Promise<Blob>} manifest the deploy.yaml
 * @property {(path: string) => Promise<Blob>} read any other file, by its path relative to the deploy.yaml
 */

/**
 * @param {string | URL | Iterable<File>} source address of a deploy.yaml or of its folder, or the folder's files
 * @returns {Bundle}
 */
export function openBundle(source) {
  return typeof source === "string" || source instanceof URL ? onServer(source) : chosen([...source]);
}

/** @param {string | URL} address @returns {Bundle} */
function onServer(address) {
  const base = new URL(address, globalThis.document?.baseURI ?? globalThis.location?.href);
  if (!/\.ya?ml$/.test(base.pathname)) base.pathname = `${base.pathname.replace(/\/$/, "")}/${MANIFEST_NAME}`;
  return {
    where: base.href,
    manifest: () => fetched(base),
    read: (path) => fetched(new URL(path.split("/").map(encodeURIComponent).join("/"), base)),
  };
}

/** @param {URL} url */
async function fetched(url) {
  let response;
  try {
    response = await fetch(url, { cache: "no-cache" }); // asks whether it changed: files of one export belong together
  } catch (error) {
    throw new SegwrightError(
      `${url.href} does not come (${words(error)}): is its server running, and does it let other sites read it (CORS)?`,
    );
  }
  if (!response.ok) throw missing(url.href, `the server says ${response.status}`);
  return response.blob();
}

/** @param {File[]} files @returns {Bundle} */
function chosen(files) {
  const pathOf = (file) => file.webkitRelativePath || file.name;
  const depth = (file) => pathOf(file).split("/").length;
  const [manifest] = files.filter(({ name }) => name === MANIFEST_NAME).sort((a, b) => depth(a) - depth(b));
  if (!manifest) {
    throw new SegwrightError(
      `There is no ${MANIFEST_NAME} among these files: choose the folder that 'segwright export' has written.`,
    );
  }
  const folder = pathOf(manifest).slice(0, -MANIFEST_NAME.length);
  const byPath = new Map(files.map((file) => [pathOf(file), file]));
  return {
    where: pathOf(manifest),
    manifest: async () => manifest,
    async read(path) {
      const file = byPath.get(folder + path);
      if (!file) throw missing(folder + path, "it is not among the chosen files");
      return file;
    },
  };
}

const missing = (file, reason) =>
  new SegwrightError(`${file} is missing (${reason}): copy the whole export folder, or export again.`);

/**
 * A file's bytes, which are those that were exported.
 * @param {Bundle} bundle
 * @param {Map<string, string>} digests SHA-256 of each file, in hexadecimal
 * @param {string} path
 */
export async function readVerified(bundle, digests, path) {
  if (!globalThis.crypto?.subtle) {
    throw new SegwrightError(
      "Checksums cannot be verified here: browsers offer SHA-256 only to pages over https or from localhost, " +
        `and this one came over http from ${globalThis.location?.hostname}. Serve it over https.`,
    );
  }
  const bytes = new Uint8Array(await (await bundle.read(path)).arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== digests.get(path)) {
    throw new SegwrightError(
      `${path} is not the file that was exported (its SHA-256 differs from the one in ${bundle.where}): it was ` +
        "edited, damaged or swapped; copy the export folder again, or export again.",
    );
  }
  return bytes;
}
