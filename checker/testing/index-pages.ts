/** A row of an index page as nginx writes it; `size` is `-` for a directory. */
export const indexRow = (name: string, size: number | string) =>
  `<a href="${name}">x</a>  30-Jun-2026 12:34  ${size}\n`;

export const indexPage = (path: string, ...rows: readonly string[]) =>
  `<html><h1>Index of ${path}</h1><pre>${rows.join('')}</pre></html>`;

/** The text of an answer to GET; `headers` end in CRLF each. */
export const withBody = (status: number, body: string, headers = '') =>
  `HTTP/1.1 ${status} X\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
