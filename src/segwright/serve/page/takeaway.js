/** What a reader takes home: files, and commands that make them again. */

/** "street view.jpg" -> "street view". */
export const stem = (name) => name.replace(/\.[^.]*$/, "");

/** Let the browser save a file. @param {Blob} blob */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers read it well after the click
}

/** Lines of curl that get the label map, the polygons and the overlay of a picture. */
export function curl(server, model, name) {
  const outputs = [
    ["png", "labels.png", "label map: the value of a pixel is its class id"],
    ["json", "polygons.json", "shares and polygons of the classes"],
    ["overlay", "overlay.jpg", "colours over the picture"],
  ];
  const key = server.wantsKey ? `-H "Authorization: Bearer $API_KEY" ` : "";
  return outputs
    .map(([output, ending, meaning]) => {
      const to = quoted(`${stem(name)}.${ending}`);
      return `# ${meaning}\ncurl ${key}-F ${field(name)} -o ${to} "${server.address(model, output)}"`;
    })
    .join("\n\n");
}

/** Copy text; clipboards are for secure pages only, a selection works in the others too. */
export async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
  } catch {
    getSelection().selectAllChildren(element);
    document.execCommand("copy");
  }
}

const PLAIN = /^[\w.@%+=:/-]+$/;
const quoted = (word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The form field as curl reads it: a name with a comma or semicolon stands in quotes of its own. */
function field(name) {
  const escaped = name.replace(/["\\]/g, "\\$&");
  return PLAIN.test(name) ? `image=@${name}` : quoted(`image=@"${escaped}"`);
}
