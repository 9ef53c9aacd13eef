declare global {
  interface JSON {
    /** @see https://tc39.es/proposal-json-parse-with-source/ */
    rawJSON(text: string): object
  }
}

/**
 * JSON that is passed through exactly as written, such as the arguments of a tool call. Parsing and serializing it
 * would change numbers beyond 2^53, `1.0`, `1e400`, the order of members with numeric names, and duplicates. Use it as
 * a value in a document for {@link writeJson}.
 */
export class OpaqueJson {
  readonly text: string

  /** @param text JSON, well-formed */
  constructor(text: string) {
    this.text = text
  }

  /** Called by JSON.stringify. Outside {@link writeJson} it returns the parsed value. */
  toJSON(): unknown {
    if (texts === undefined) return JSON.parse(this.text)
    texts.push(this.text)
    return MARK
  }
}

/** Serializes a document that may contain {@link OpaqueJson}; undefined where it is nested too deeply. */
export function writeJson(document: object): string | undefined {
  const opaque: string[] = []
  texts = opaque
  try {
    const text = JSON.stringify(document)
    return opaque.length === 0 ? text : filled(text, opaque)
  } catch {
    return undefined
  } finally {
    texts = undefined
  }
}

function filled(text: string, opaque: readonly string[]): string {
  let whole = ''
  let from = 0
  for (const inserted of opaque) {
    const mark = text.indexOf(WRITTEN_MARK, from)
    whole += text.slice(from, mark) + inserted
    from = mark + WRITTEN_MARK.length
  }
  return whole + text.slice(from)
}

/** The opaque texts of the document being serialized, in its order; undefined outside {@link writeJson}. */
let texts: string[] | undefined

/**
 * Marks the place of an opaque text. JSON.stringify never escapes letters and doubles every backslash in a string, so
 * no caller's value is serialized like this.
 */
const WRITTEN_MARK = '"\\u0041"'
const MARK = JSON.rawJSON(WRITTEN_MARK)
