const THREE_DIGITS = /\B(?=(?:\d{3})+$)/g;

/**
 * A whole number for people, its thousands apart: 151,650. As `toLocaleString('en')` writes it, whose first use loads
 * V8's tables of all languages: 13 ms and 5 MB for each command.
 */
export function grouped(value: number): string {
  return String(value).replace(THREE_DIGITS, ',');
}
