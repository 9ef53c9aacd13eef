/**
 * Tells whether a model is among `allowed`, names in which `*` stands for any run of characters. Undefined allows every
 * model. A request that names no model is not allowed where models are restricted.
 */
export function modelMatcher(allowed: readonly string[] | undefined): (model: string) => boolean {
  if (allowed === undefined) return () => true
  const names = new Set(allowed.filter((pattern) => !pattern.includes('*')))
  const patterns = allowed.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'))
  return (model) => model !== '' && (names.has(model) || patterns.some((parts) => matches(parts, model)))
}

/** Whether `text` is the parts in their order with anything between them. No regular expression: linear for any pattern. */
function matches(parts: readonly string[], text: string): boolean {
  const first = parts[0] ?? ''
  const last = parts[parts.length - 1] ?? ''
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  const end = text.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
