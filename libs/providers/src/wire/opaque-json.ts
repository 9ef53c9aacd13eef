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
    const [first = '', ...others] = JSON.stringify(document).split(WRITTEN_MARK)
    return first + others.map((piece, index) => `${opaque[index]}${piece}`).join('')
  } catch {
    return undefined
  } finally {
    texts = undefined
  }
}

/** Those of the document that is being written, in the order in which they stand in it. */
let texts: string[] | undefined

/**
 * Marks the place of an opaque text. JSON.stringify escapes no letter and doubles every backslash of a string, so that nothing that a
 * caller sends is ever written like this.
 */
const WRITTEN_MARK = '"\\u0041"'
const MARK = JSON.rawJSON(WRITTEN_MARK)

/** JSON text without the white space between its tokens. @param text well-formed */
export function compactJson(text: string): string {
  let compact = ''
  let from = 0
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isInString) {
      if (code === BACKSLASH) at++
      else isInString = code !== QUOTE
    } else if (code === QUOTE) {
      isInString = true
    } else if (code === SPACE || code === NEWLINE || code === RETURN || code === TAB) {
      compact += text.slice(from, at)
      from = at + 1
    }
  }
  return from === 0 ? text : compact + text.slice(from)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20
const NEWLINE = 0x0a
const RETURN = 0x0d
const TAB = 0x09
