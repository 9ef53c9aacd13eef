declare global {
  interface JSON {
    /** @see https://tc39.es/proposal-json-parse-with-source/ */
    rawJSON(text: string): object
  }
}

/**
 * JSON that is somebody else's, such as the arguments of a tool call: it goes on as it was written, digit for digit. Parsing it and
 * writing it again would change numbers beyond 2^53, `1.0`, `1e400`, the order of members with numeric names, and duplicates.
 * Stands in a document in the place of a value, for {@link writeJson}.
 */
export class OpaqueJson {
  readonly text: string

  /** @param text JSON, well-formed */
  constructor(text: string) {
    this.text = text
  }

  /** Called by JSON.stringify. Outside {@link writeJson} it is the value as far as JavaScript has one. */
  toJSON(): unknown {
    if (texts === undefined) return JSON.parse(this.text)
    texts.push(this.text)
    return MARK
  }
}

/** Writes a document that may hold {@link OpaqueJson}. Returns undefined where it is nested too deeply. */
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

/** Those of the document that is being written, in the order in which they stand in it. */
let texts: string[] | undefined

/**
 * Marks the place of an opaque text. JSON.stringify escapes no letter and doubles every backslash of a string, so that nothing that a
 * caller sends is ever written like this.
 */
const WRITTEN_MARK = '"\\u0041"'
const MARK = JSON.rawJSON(WRITTEN_MARK)
