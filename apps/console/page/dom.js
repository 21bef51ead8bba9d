const svgNamespace = "http://www.w3.org/2000/svg";

/** Makes an element. Text is always text: nothing that a sidecar says becomes markup. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Makes an SVG element. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, name), attributes, children);
}

function fill(element, attributes, children) {
  set(element, attributes);
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

/** Sets what differs. */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === undefined || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}

/** Writes text where it differs, so that nobody is told the same twice. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Keeps one child per key, in order, and moves only what has to move: whoever has the focus keeps it.
 * @param make makes the element of a new key; `update` brings any up to date.
 */
export function keep(parent, known, items, { key, make, update }) {
  const wanted = new Set(items.map(key));
  for (const [name, element] of known) {
    if (wanted.has(name)) continue;
    element.remove();
    known.delete(name);
  }
  let previous = null;
  for (const item of items) {
    const name = key(item);
    const element = known.get(name) ?? make(item);
    known.set(name, element);
    const place = previous === null ? parent.firstChild : previous.nextSibling;
    if (element !== place) parent.insertBefore(element, place);
    update(element, item);
    previous = element;
  }
}
