/** A dropped folder as the files in it, each with its path, as a folder picker gives them. */

/**
 * @param {DataTransfer} data
 * @returns {FileSystemDirectoryEntry | undefined}
 */
export function folderIn(data) {
  return [...data.items].map((item) => item.webkitGetAsEntry?.()).find((entry) => entry?.isDirectory);
}

/** @param {FileSystemDirectoryEntry} folder @returns {Promise<File[]>} */
export async function filesIn(folder) {
  const reader = folder.createReader();
  const found = [];
  for (let entries = [null]; entries.length; found.push(...entries)) {
    entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
  }
  return (await Promise.all(found.map((entry) => (entry.isDirectory ? filesIn(entry) : file(entry))))).flat();
}

async function file(entry) {
  const got = await new Promise((resolve, reject) => entry.file(resolve, reject));
  return Object.defineProperty(got, "webkitRelativePath", { value: entry.fullPath.slice(1) });
}
