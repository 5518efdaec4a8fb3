/** Has the browser save a text as a file. */
export function download(name, text, type = 'text/csv;charset=utf-8') {
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(new Blob([text], { type }));
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
}

// What a spreadsheet would run as a formula gets an apostrophe in front; plain numbers do not (as vapi_export_calls has it).
function cell(value) {
  if (value === null || value === undefined) return '';
  const text = String(value);
  const plain = /^[+-]?\d+(\.\d+)?$/.test(text) || !/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? text : `'${text}`;
  return /[",\r\n]|^\s|\s$/.test(plain) || plain !== text ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** A table as CSV (RFC 4180): heads, then rows of values. */
export const csv = (heads, lines) => [heads, ...lines].map((line) => `${line.map(cell).join(',')}\r\n`).join('');
