/**
 * Reads the first record of a CSV text, which is how one occurrence of a list flag is written.
 * @throws RangeError with the message of Go's `encoding/csv`.
 */
export function parseCsvRecord(text: string): string[] {
  if (text === "") return [];
  const fields: string[] = [];
  // Empty lines before the record do not count.
  let position = /^(?:\r?\n)*/.exec(text)?.[0].length ?? 0;
  if (position === text.length) throw new RangeError("EOF");
  for (;;) {
    const quoted = text[position] === '"';
    const [field, end] = quoted ? readQuoted(text, position) : readBare(text, position);
    fields.push(field);
    if (text[end] !== ",") return fields;
    position = end + 1;
  }
}

function readBare(text: string, start: number): [field: string, end: number] {
  let end = start;
  while (end < text.length && text[end] !== "," && text[end] !== "\n") {
    if (text[end] === '"') throw failure(end, 'bare " in non-quoted-field');
    end += 1;
  }
  return [text.slice(start, end).replace(/\r$/, ""), end];
}

function readQuoted(text: string, start: number): [field: string, end: number] {
  let field = "";
  let position = start + 1;
  for (;;) {
    const quote = text.indexOf('"', position);
    if (quote === -1) throw failure(text.length, 'extraneous or missing " in quoted-field');
    field += text.slice(position, quote);
    const next = text[quote + 1];
    if (next !== '"') {
      if (next === undefined || next === "," || next === "\n") return [field, quote + 1];
      throw failure(quote, 'extraneous or missing " in quoted-field');
    }
    field += '"';
    position = quote + 2;
  }
}

function failure(offset: number, problem: string): RangeError {
  return new RangeError(`parse error on line 1, column ${offset + 1}: ${problem}`);
}
