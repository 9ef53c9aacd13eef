/** Members of a JSON document by which models are named, or that hold such members. */
export interface MemberWatch {
  /** Of each folded name, its bit in the set of those that an object has had. */
  readonly bits: ReadonlyMap<string, number>
  /** How many letters and digits the names have: a name with another number of them is none of these. */
  readonly lengths: ReadonlySet<number>
  readonly spellings: ReadonlySet<string>
  /** Look into every object, not only into those that are reached through watched members. */
  readonly everywhere: boolean
}

/** @param names as they are spelt, 31 at most where spellings of one name count once */
export function memberWatch(names: readonly string[], everywhere = false): MemberWatch {
  const folded = [...new Set(names.map(foldedName))]
  if (folded.length > MAX_NAMES) throw new RangeError(`no more than ${MAX_NAMES} names can be watched`)
  return {
    bits: new Map(folded.map((name, i) => [name, 1 << i])),
    lengths: new Set(folded.map((name) => name.length)),
    spellings: new Set(names),
    everywhere,
  }
}

/**
 * Finds a watched member that two servers might read differently: it is twice in its object, or spelt in another case. Returns its
 * name as it is spelt; undefined where there is none. Reads the bytes once, and skips what holds no watched members.
 * @param json a JSON document, well-formed
 */
export function ambiguousMember(json: Buffer, watch: MemberWatch): string | undefined {
  /** For each object that is open the bits of those seen in it, for each array {@link ARRAY}. What is not watched is not opened. */
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
            const name = spelt(json, i, end)
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
        // An array is open only where its elements are watched.
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

/** Spares most names from being made a text of. */
function mayBeWatched(json: Buffer, start: number, end: number, { lengths }: MemberWatch): boolean {
  let letters = 0
  for (let i = start + 1; i < end - 1; i++) {
    const byte = json[i] ?? 0
    // An escape, or a letter that may fold to another.
    if (byte === BACKSLASH || byte >= FIRST_BEYOND_ASCII) return true
    if (isLetterOrDigit(byte)) letters++
  }
  return lengths.has(letters)
}

function isLetterOrDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)
}

function spelt(json: Buffer, start: number, end: number): string {
  const text = json.toString('utf8', start + 1, end - 1)
  return text.includes('\\') ? JSON.parse(`"${text}"`) : text
}

/** After the string whose first quote is at `start`; -1 where it has no end. Byte by byte: as fast for text that is all escapes. */
function endOfString(json: Buffer, start: number): number {
  for (let i = start + 1; i < json.length; i++) {
    if (json[i] === BACKSLASH) i++
    else if (json[i] === QUOTE) return i + 1
  }
  return -1
}

/** After the object or array that begins at `start`; -1 where it has no end. */
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
 * A member's name as the most lenient server might read it: without regard to case (Go's, with Unicode's foldings), and to what stands
 * between letters and digits (`max_tokens`, `maxTokens`).
 * @see https://pkg.go.dev/encoding/json#Unmarshal
 */
export function foldedName(name: string): string {
  // Upper case first: ſ becomes S, which lower case alone would leave.
  return name.toUpperCase().toLowerCase().replace(NO_LETTERS, '')
}

const NO_LETTERS = /[^a-z0-9]/g
