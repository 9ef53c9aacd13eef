/** Returns whether a JSON value is an object: neither null nor an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns an array's items; none for anything else. */
export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Parses JSON text; undefined where it is not JSON. */
export function parseJson(text: Buffer | string): unknown {
  try {
    return JSON.parse(typeof text === 'string' ? text : text.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Serializes a JSON value; undefined where it is nested too deeply. */
export function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

/** Returns whether a value is an embedding: a non-empty array of numbers. */
export function isVector(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')
}

/**
 * Reads a count ≥ 0 from JSON. Some servers write it as a fraction (`12.0`), which is rounded up, or as text (`"12"`).
 * Undefined for anything else.
 */
export function tokenCount(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !(number >= 0)) return undefined
  const count = Math.ceil(number)
  return Number.isSafeInteger(count) ? count : undefined
}

const NUMBER = /^\d{1,16}(?:\.\d{1,16})?$/

/** Sums an object's members that are counts; undefined where it has none. */
export function countsWithin(counts: unknown): number | undefined {
  if (!isRecord(counts)) return undefined
  let sum: number | undefined
  for (const name in counts) {
    const count = tokenCount(counts[name])
    if (count !== undefined) sum = (sum ?? 0) + count
  }
  return sum
}

/**
 * Reads a request's maximum, rounded up; undefined where it is not a positive number. Accepts text, as many servers do.
 */
export function positiveCount(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && number > 0 && Number.isFinite(number) ? Math.ceil(number) : undefined
}

/** Estimates the tokens of a text from its bytes; may be a fraction. */
export function tokensOfBytes(textBytes: number): number {
  return textBytes / BYTES_PER_TOKEN
}

const BYTES_PER_TOKEN = 4
