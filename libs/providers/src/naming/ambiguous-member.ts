/** Members of a JSON document that name models, or contain such members. */
export interface MemberWatch {
  /** Each folded name's bit in the set of names seen in an object. */
  readonly bits: ReadonlyMap<string, number>
  /** The names' numbers of letters and digits: other numbers exclude a name cheaply. */
  readonly lengths: ReadonlySet<number>
  readonly spellings: ReadonlySet<string>
  /** Look into every object, not only into those reached through watched members. */
  readonly everywhere: boolean
}

/** @param names as they are spelled; at most 31 after folding. @throws RangeError above that */
export function memberWatch(names: readonly string[], everywhere = false): MemberWatch {
  const folded = [...new Set(names.map(foldedName))]
  if (folded.length > MAX_NAMES)
    throw new RangeError(`A member watch takes at most ${MAX_NAMES} names, not ${folded.length}.`)
  return {
    bits: new Map(folded.map((name, i) => [name, 1 << i])),
    lengths: new Set(folded.map((name) => name.length)),
    spellings: new Set(names),
    everywhere,
  }
}

/**
 * Finds a watched member that two servers might read differently: a duplicate, or one in another spelling. Returns its
 * name as spelled; undefined where there is none. One pass, which skips values without watched members.
 * @param json a JSON document, well-formed
 */
export function ambiguousMember(json: Buffer, watch: MemberWatch): string | undefined {
  /** The names seen in each open object, as bits; {@link ARRAY} for arrays. Unwatched values are skipped. */
  const open: number[] = []
  let isKeyNext = false
  let isChildWatched = true
  for (let i = 0; i >= 0 && i < json.length; i++) {
    switch (json[i]) {
      case QUOTE: {
        const end = endOfString(json, i)
        if (end < 0) return undefined
        if (isKeyNext) {
          isKeyNext = false
          isChildWatched = watch.everywhere
          if (mayBeWatched(json, i, end, watch)) {
            const name = spelling(json, i, end)
            const bit = watch.bits.get(foldedName(name)) ?? 0
            const seen = open[open.length - 1] ?? 0
            if (bit !== 0 && ((seen & bit) !== 0 || !watch.spellings.has(name))) return name
            open[open.length - 1] = seen | bit
            isChildWatched ||= bit !== 0
          }
        }
        i = end - 1
        break
      }
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (isChildWatched) {
          isKeyNext = json[i] === OPEN_BRACE
          open.push(isKeyNext ? 0 : ARRAY)
        } else {
          const end = endOfContainer(json, i)
          if (end < 0) return undefined
          i = end - 1
        }
        break
      case COMMA:
        isKeyNext = open[open.length - 1] !== ARRAY
        // Arrays are open only where their elements are watched.
        isChildWatched = !isKeyNext
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        open.pop()
        isKeyNext = false
        break
    }
  }
  return undefined
}

/** Excludes most names without decoding them. */
function mayBeWatched(json: Buffer, start: number, end: number, { lengths }: MemberWatch): boolean {
  let letters = 0
  for (let i = start + 1; i < end - 1; i++) {
    const byte = json[i] ?? 0
    // An escape, or a character that may fold to an ASCII letter.
    if (byte === BACKSLASH || byte >= FIRST_BEYOND_ASCII) return true
    if (isLetterOrDigit(byte)) letters++
  }
  return lengths.has(letters)
}

function isLetterOrDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)
}

function spelling(json: Buffer, start: number, end: number): string {
  const text = json.toString('utf8', start + 1, end - 1)
  return text.includes('\\') ? JSON.parse(`"${text}"`) : text
}

/**
 * Returns the end of the string at `start`; -1 where it is incomplete. Byte by byte, to be as fast for text that is all
 * escapes.
 */
function endOfString(json: Buffer, start: number): number {
  for (let i = start + 1; i < json.length; i++) {
    if (json[i] === BACKSLASH) i++
    else if (json[i] === QUOTE) return i + 1
  }
  return -1
}

/** Returns the end of the object or array at `start`; -1 where it is incomplete. */
function endOfContainer(json: Buffer, start: number): number {
  let depth = 0
  let isText = false
  for (let i = start; i < json.length; i++) {
    const byte = json[i]
    if (isText) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) isText = false
    } else if (byte === QUOTE) isText = true
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return i + 1
  }
  return -1
}

const MAX_NAMES = 31
const ARRAY = -1
const FIRST_BEYOND_ASCII = 0x80
const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Folds a member's name as the most lenient server might read it: ignores case (as Go does, with Unicode folding) and
 * everything but letters and digits (`max_tokens`, `maxTokens`).
 * @see https://pkg.go.dev/encoding/json#Unmarshal
 */
export function foldedName(name: string): string {
  // Upper case first: ſ becomes S, which lower case alone would leave.
  return name.toUpperCase().toLowerCase().replace(NO_LETTERS, '')
}

const NO_LETTERS = /[^a-z0-9]/g
