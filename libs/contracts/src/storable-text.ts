/**
 * `text` as PostgreSQL can keep and index it: at most `maxChars` UTF-16 units, without NUL and lone surrogates, which become
 * U+FFFD. What an application sends as a model's name reaches here unchecked.
 */
export function storableText(text: string, maxChars: number): string {
  return text.slice(0, maxChars).toWellFormed().replaceAll('\0', '\uFFFD')
}
